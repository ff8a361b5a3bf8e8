"""Tests plot.py on records made up here."""

import importlib.util
import json
import pathlib
import tempfile
import unittest

import plot

HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None


def record(arm, length, percent, density, **other):
    sparse = arm != "dense"
    return {
        "status": "ok",
        "arm": {"label": arm},
        "task": {"name": "niah_single_1", "length": length},
        "accuracy": None if percent is None else
                    {"percent": percent, "low": max(0, percent - 25), "high": min(100, percent + 9), "n": 10},
        "density": {"measured": {"prefill": density, "decode": density}},
        "hit_rate": {"prefill_by_layer": [None, None, 0.5, density, 1.0] if sparse else [None] * 5,
                     "decode_by_layer": None},
        "scoring": "generate",
        "time": {"claim": arm != "oracle", "stages_s": {"prefill": {"attend": 0.5 * density, "mlp": 0.4},
                              "decode": {"attend": 0.01, "mlp": None}}},
        **other,
    }


class Plot(unittest.TestCase):
    def setUp(self):
        self._temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self._temporary.cleanup)
        self.folder = pathlib.Path(self._temporary.name)

    def write(self, records, tail=""):
        text = "".join(json.dumps(one) + "\n" for one in records)
        (self.folder / "records.jsonl").write_text(text + tail)

    def test_the_last_line_of_a_point_wins_and_failed_points_are_left_out(self):
        self.write([record("dense", 1024, 50, 1.0), record("dense", 1024, 100, 1.0),
                    record("random", 1024, 10, 0.2, status="failed")])
        records = plot.read_records(self.folder)
        self.assertEqual([plot.at(one, "accuracy.percent") for one in records], [100])

    def test_a_torn_last_line_is_dropped_and_another_is_an_error(self):
        self.write([record("dense", 1024, 50, 1.0)], '{"status": "o')
        self.assertEqual(len(plot.read_records(self.folder)), 1)
        self.write([record("dense", 1024, 50, 1.0)], '{"status": "o\n{}\n')
        with self.assertRaisesRegex(plot.UserError, r"records\.jsonl:2"):
            plot.read_records(self.folder)

    def test_nothing_to_draw_is_said(self):
        with self.assertRaisesRegex(plot.UserError, "no such file"):
            plot.read_records(self.folder)
        self.write([record("dense", 1024, 50, 1.0, status="failed")])
        with self.assertRaisesRegex(plot.UserError, "no finished point"):
            plot.read_records(self.folder)

    def test_panels_split_by_scoring_and_the_oracle_claims_no_time(self):
        self.write([record("dense", 1024, 50, 1.0), record("oracle", 1024, 90, 0.2, scoring="forced")])
        records = plot.read_records(self.folder)
        self.assertEqual([plot.title_of(plot.panel_of(one)) for one in records],
                         ["niah_single_1, 1024 tokens", "niah_single_1, 1024 tokens, forced"])
        self.assertEqual([plot.time_label_of(one) for one in records], ["dense", "oracle (no claim)"])

    def test_stages_flat_and_by_phase(self):
        self.assertEqual(plot.stages_of({"time": {"stages_s": {"attend": 1.5, "mlp": None}}}),
                         {("sample", "attend"): 1.5})
        self.assertEqual(plot.stages_of({"time": {"stages_s": {"decode": {"attend": 2.0}}}}),
                         {("decode", "attend"): 2.0})
        self.assertEqual(plot.stages_of({}), {})

    @unittest.skipUnless(HAS_MATPLOTLIB, "python3-matplotlib is not installed")
    def test_figures_of_a_whole_run(self):
        self.write([record(arm, length, percent, density) for length in (1024, 2048) for arm, percent, density in
                    [("dense", 100, 1.0), ("sketch_walk density=0.2", 70, 0.23), ("random density=0.2", 0, 0.22)]])
        drawn, left_out = plot.draw(self.folder, self.folder / "plots")
        self.assertEqual(left_out, [])
        self.assertEqual([path.name for path in drawn], ["accuracy.png", "hit_rate.png", "stages.png"])
        for path in drawn:
            self.assertEqual(path.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
            self.assertGreater(path.stat().st_size, 5000)

    @unittest.skipUnless(HAS_MATPLOTLIB, "python3-matplotlib is not installed")
    def test_random_weights_have_no_accuracy(self):
        self.write([record("dense", 1024, None, 1.0)])
        drawn, left_out = plot.draw(self.folder, self.folder / "plots")
        self.assertEqual([path.name for path in drawn], ["stages.png"])
        self.assertEqual(left_out, ["accuracy.png: no record has an accuracy",
                                    "hit_rate.png: no record has a hit rate"])


if __name__ == "__main__":
    unittest.main()
