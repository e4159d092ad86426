"""What a new feature starts from."""

from __future__ import annotations

from drafthart.runtime.staging.ledger import Exit, Feature, State, Step

MANIFEST = """\
# This folder is what makes the feature run: without it, the feature is not staged here.
feature: {name}
# Data alone, in specs/. Code that it needs would stand beside this file.
code: []
"""

SPEC = """\
# yaml-language-server: $schema=../schema/revision.schema.json
# Say here which text this follows: a repository, files, from which commit to which.
revision: {name}
title: {title}
status: draft
date: {today}
commit: "0000000"
base: {base}
changes:
  - id: {extension}-begins
    commit: "0000000"
    date: {today}
    section: Introduction
    breaks: []
    summary: >-
      Say in your own words what the draft brings, and replace the commit, the date and the
      instruction, which shows the form: it copies a register.
    add:
      instructions.{extension}.move:
        extension: {extension}
        encoding: 0000000 00000 rs1 000 rd 0001011
        assembly: rd, rs1
        doc: Copy a register.
        operation: |
          X[rd] = X[rs1]
      rules.{extension}.move:
        summary: rd gets what rs1 has
        by: [insn:{extension}.move]
        section: Introduction
"""


def proposal(name: str, title: str, owner: str, tracking: str, today: str) -> Feature:
    """The entry of a proposed feature, to be filled in by hand."""
    return Feature(
        id=name,
        title=title,
        owner=owner,
        tracking=tracking,
        since=today,
        why="Say who needs it before it is ratified",
        exit=(
            Exit("its spec says ratified", check="spec-ratified"),
            Exit("it resolves for both widths", check="resolves"),
            Exit("no gap is known", check="no-gaps"),
        ),
        gaps=(),
        removal="it is withdrawn, or nobody uses it a year after a later draft was staged",
        notice_days=90,
        history=(Step(today, State.PROPOSED, "staging new"),),
    )
