// How far a run is and how long it still takes: a bar on a terminal, plain lines elsewhere.
#pragma once

#include <functional>
#include <ostream>
#include <string>

namespace sw {

class Progress {
 public:
  struct Options {
    bool is_terminal = false;
    int width = 80;                     // of the terminal, in columns
    double seconds_between_lines = 30;  // without a terminal
    std::function<double()> now;        // seconds on any steady clock; default: the machine's
  };
  // `total` work in any unit; the time left is judged by the share of it that is done. Work that is
  // never done (a failed point's samples) is given up by Skip. `out` must outlive this.
  Progress(std::ostream& out, double total, const Options& options);
  ~Progress();  // clears the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // What is being done now.
  void Doing(const std::string& what);
  void Advance(double work);
  void Skip(double work);
  // A line of its own, above the bar.
  void Note(const std::string& line);
  // Takes the bar away until the next change.
  void Clear();

 private:
  void Draw();
  std::string Status() const;

  std::ostream& out_;
  Options options_;
  double total_;
  double done_ = 0.0;
  double started_;
  double last_line_;
  std::string doing_;
  bool bar_is_drawn_ = false;
};

// A bar on standard error when it is a terminal, lines there otherwise.
Progress::Options ProgressOptionsForStderr();

// "45 s", "3 min 20 s", "2 h 05 min".
std::string DurationText(double seconds);

}  // namespace sw
