"""Tests check_layers on small trees: what it must find, and what it must let pass."""

import pathlib
import tempfile
import unittest

import check_layers
import source_tree


def complaints_about(tree):
    """tree: path -> text. Complaints with the note of what is allowed cut off."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, text in tree.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return [line.split("\n")[0] for line in check_layers.check(root, sorted(tree))]


def complaints_about_include(path, line, others=()):
    tree = {other: "" for other in others}
    tree[path] = f"#pragma once\n{line}\n"
    return complaints_about(tree)


class Forbidden(unittest.TestCase):
    def assert_found(self, path, line, words, others=()):
        found = complaints_about_include(path, line, others)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{path}:2: "), found)
        self.assertIn(words, found[0])

    def test_base_sees_nothing_of_ours(self):
        self.assert_found("core/base/a.h", '#include "core/tensor/b.h"', "core/base may not include core/tensor",
                          ["core/tensor/b.h"])

    def test_core_sees_no_upper_layer(self):
        self.assert_found("core/ops/a.h", '#include "core/cache/b.h"', "may not include core/cache",
                          ["core/cache/b.h"])
        self.assert_found("core/model/a.cc", '#include "reference/b.h"', "may not include reference",
                          ["reference/b.h"])

    def test_reference_sees_neither_policies_nor_kernels(self):
        self.assert_found("reference/a.cc", '#include "core/attention/b.h"', "may not include core/attention",
                          ["core/attention/b.h"])
        self.assert_found("reference/a.cc", '#include "kernels/b.h"', "may not include kernels", ["kernels/b.h"])

    def test_oracle_stands_alone(self):
        self.assert_found("reference/oracle/a.cc", '#include "reference/b.h"', "may not include reference",
                          ["reference/b.h"])
        self.assert_found("reference/oracle/a.cc", "#include <Eigen/Core>", "may not include Eigen")
        self.assert_found("reference/oracle/a.cc", '#include "core/ops/attention_ops.h"',
                          "may not include core/ops", ["core/ops/attention_ops.h"])
        self.assert_found("reference/b.cc", '#include "reference/oracle/a.h"',
                          "may not include reference/oracle", ["reference/oracle/a.h"])

    def test_third_parties_stay_where_they_belong(self):
        for path, line, name in [
            ("core/config/a.cc", "#include <yaml-cpp/yaml.h>", "yaml-cpp"),
            ("tasks/a.cc", "#include <nlohmann/json.hpp>", "nlohmann_json"),
            ("core/ops/a.h", "#include <Eigen/Dense>", "Eigen"),
            ("core/tensor/a.h", "#include <cuda_bf16.h>", "CUDA"),
            ("harness/a.cc", "#include <cuda_runtime.h>", "CUDA"),
            ("reference/a.cc", "#  include <cudnn.h>", "cuDNN"),
            ("core/cache/a.cc", "#include <fmt/format.h>", "fmt"),
            ("kernels/a.cu", "#include <Eigen/Core>", "Eigen"),
        ]:
            with self.subTest(path=path, line=line):
                self.assert_found(path, line, f"may not include {name}")

    def test_catch_only_through_the_shim(self):
        self.assert_found("core/base/a_test.cc", "#include <catch2/catch.hpp>", "core/testing/catch.h only")

    def test_test_helpers_stay_in_tests(self):
        self.assert_found("core/base/a.cc", '#include "core/testing/catch.h"', "may not include core/testing",
                          ["core/testing/catch.h"])
        self.assert_found("harness/a.cc", '#include "core/testing/catch.h"', "for tests",
                          ["core/testing/catch.h"])
        self.assert_found("core/base/a.cc", '#include "core/base/b_test_util.h"', "for tests alone",
                          ["core/base/b_test_util.h"])

    def test_unknown_names(self):
        self.assert_found("core/base/a.cc", '#include "check.h"', "from the root", ["core/base/check.h"])
        self.assert_found("harness/a.cc", "#include <newlib/thing.h>", "no layer lists")

    def test_containers_per_instruction_set(self):
        self.assert_found("reference/simd/kernels_impl.inc", "#include <vector>", "instruction set")
        self.assert_found("reference/simd/kernels.h", "#include <fmt/format.h>", "instruction set")

    def test_names_that_ctest_mangles(self):
        for name in ("in (0, 1]", "open [0, 1)", "signs; rows", "][ twice"):
            with self.subTest(name=name):
                self.assert_found("core/base/a_test.cc", f'TEST_CASE("{name}") {{', "ctest would lose")

    def test_folder_without_a_layer(self):
        self.assertEqual(complaints_about({"extra/a.cc": ""}),
                         ["extra/a.cc:1: no layer holds this folder (LAYERS in scripts/check_layers.py)"])

    def test_long_file(self):
        found = complaints_about({"core/base/a.cc": "\n" * 501, "core/base/b.cc": "\n" * 500})
        self.assertEqual(len(found), 1, found)
        self.assertIn("core/base/a.cc:501: 501 lines", found[0])


class Allowed(unittest.TestCase):
    def assert_passes(self, path, line, others=()):
        self.assertEqual(complaints_about_include(path, line, others), [])

    def test_layers_below(self):
        self.assert_passes("core/model/a.h", '#include "core/text/b.h"', ["core/text/b.h"])
        self.assert_passes("kernels/a.cu", "#include <cublas_v2.h>")
        self.assert_passes("reference/a.cc", "#include <Eigen/Core>")
        self.assert_passes("reference/simd/a.inc", "#include <immintrin.h>")
        self.assert_passes("reference/simd/kernels.cc", "#include <string>")
        self.assert_passes("harness/a.cc", '#include "kernels/b.h"', ["kernels/b.h"])
        self.assert_passes("harness/a.cc", '#include "reference/oracle/b.h"', ["reference/oracle/b.h"])
        self.assert_passes("core/testing/catch.h", "#include <catch2/catch.hpp>")
        self.assert_passes("harness/a.cc", "#include <sys/mman.h>")
        self.assert_passes("reference/oracle/a.cc", '#include "core/ops/block_layout.h"',
                           ["core/ops/block_layout.h"])

    def test_rights_of_tests(self):
        for path, file in [("core/cache/a_test.cc", "reference/b.h"), ("core/ops/a_test.cc", "core/testing/catch.h"),
                           ("reference/a_test.cc", "core/cache/b.h"), ("reference/a_test.cc", "reference/oracle/b.h"),
                           ("kernels/a_test.cu", "reference/b.h"), ("harness/testing_a.cc", "core/testing/catch.h"), ("core/base/a_test.cc", "core/base/b_test_util.h")]:
            with self.subTest(path=path, file=file):
                self.assert_passes(path, f'#include "{file}"', [file])

    def test_names_that_ctest_reads(self):
        self.assert_passes("core/base/a_test.cc", 'TEST_CASE("inside [0, 1], all of it", "[slow;]") {')

    def test_comments_are_not_includes(self):
        self.assert_passes("core/base/a.h", '// #include "kernels/b.h"', ["kernels/b.h"])
        self.assert_passes("core/base/a.h", '/*\n#include "kernels/b.h"\n*/', ["kernels/b.h"])

    def test_generated_tables_may_be_long(self):
        self.assertEqual(complaints_about({"tasks/t.cc": "// Generated by scripts/x.py.\n" + "\n" * 900}), [])


class IncludeGraph(unittest.TestCase):
    def test_key_follows_the_text_of_every_header_below(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "a.cc").write_text('#include "b.h"\n')
            (root / "b.h").write_text('#include "c.h"\n#include <vector>\n')
            (root / "c.h").write_text("int c;\n")
            first = source_tree.IncludeGraph(root).key("a.cc", "salt")
            self.assertEqual(first, source_tree.IncludeGraph(root).key("a.cc", "salt"))
            self.assertNotEqual(first, source_tree.IncludeGraph(root).key("a.cc", "other"))
            (root / "c.h").write_text("long c;\n")
            self.assertNotEqual(first, source_tree.IncludeGraph(root).key("a.cc", "salt"))


if __name__ == "__main__":
    unittest.main()
