"""Patches as git prints them."""

from __future__ import annotations

from drafthart.generator.history.patch import parse

PATCH = """\
diff --git a/src/old.tex b/src/new.tex
similarity index 90%
rename from src/old.tex
rename to src/new.tex
index 1111111..2222222 100644
--- a/src/old.tex
+++ b/src/new.tex
@@ -3 +3,2 @@ some heading
--- a line that looks like the head of a file
+++ another
+and one
@@ -9,2 +10,0 @@
-gone
-gone too
\\ No newline at end of file
diff --git a/link b/link
new file mode 120000
index 0000000..3333333
--- /dev/null
+++ b/link
@@ -0,0 +1 @@
+../elsewhere
\\ No newline at end of file
diff --git a/moved b/there
similarity index 100%
rename from moved
rename to there
diff --git a/last b/last
deleted file mode 100644
index 4444444..0000000
--- a/last
+++ /dev/null
@@ -1 +0,0 @@
-bye
"""


def test_lines_are_counted_and_links_left_out() -> None:
    renamed, moved, last = parse(PATCH)
    assert renamed.path == "src/new.tex"
    assert renamed.removed == ["-- a line that looks like the head of a file", "gone", "gone too"]
    assert renamed.added == ["++ another", "and one"]
    assert renamed.hunks == [(3, 3), (10, 2)]
    assert (moved.path, moved.removed, moved.added) == ("there", [], [])
    assert (last.path, last.gone, last.removed) == ("last", True, ["bye"])


def test_editorial() -> None:
    renamed, moved, last = parse(PATCH)
    assert moved.is_editorial
    assert not renamed.is_editorial
    assert not last.is_editorial


def test_lines_that_break_elsewhere_are_editorial() -> None:
    text = "diff --git a/x b/x\n@@ -1,2 +1,2 @@\n-one two\n-three\n+one\n+`two` three\n"
    assert parse(text)[0].is_editorial


def test_nothing() -> None:
    assert parse("") == []
    assert parse("@@ -1 +1 @@\n-a\n+b\n") == []
