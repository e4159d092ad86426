"""CSR access as generated: widths, WARL fields, computed fields, views, arrays."""

from __future__ import annotations

from bench import Bench

ONES = (1 << 64) - 1


def test_a_32_bit_csr_keeps_32_bits() -> None:
    bench = Bench("priv@1.12")
    assert bench.run("csrw mcounteren, a0\ncsrr a1, mcounteren", a0=ONES) is None
    assert bench.reg("a1") <= 0xFFFF_FFFF


def test_an_illegal_value_of_a_warl_field_keeps_the_old_one() -> None:
    bench = Bench("priv@1.12").write("mstatus.MPP", 1)
    bench.write("mstatus.MPP", 2)
    assert bench.read("mstatus.MPP") == 1


def test_a_view_shows_and_writes_its_home_and_nothing_else() -> None:
    bench = Bench("priv@1.12").write("mstatus.MIE", 0).write("mstatus.SIE", 1)
    assert bench.read("sstatus.SIE") == 1
    bench.write("sstatus", ONES)
    assert bench.read("mstatus.SUM") == 1
    assert bench.read("mstatus.MIE") == 0


def test_an_array_has_storage_for_each_instance() -> None:
    bench = Bench("priv@1.12").write("pmpcfg0", 0)
    for number in range(16):
        bench.write(f"pmpaddr{number}", 0x1000 + number)
    assert [bench.read(f"pmpaddr{number}") for number in range(16)] == list(range(0x1000, 0x1010))


def test_every_numbered_csr_reads_back_what_a_write_left() -> None:
    """No write leaves a value that another write of the same value changes again."""
    for revision in ("h@0.6.1", "h@1.0"):
        bench = Bench(revision)
        for csr in bench.isa.csr_at.values():
            # These count on by themselves, lock themselves, or close memory to us.
            if csr.read_only or csr.name.startswith(("pmp", "mcycle", "minstret")):
                continue
            for value in (ONES, 0x5555_5555_5555_5555, 0):
                bench.write(csr.name, value)
                first = bench.read(csr.name)
                assert 0 <= first < 1 << 64
                bench.write(csr.name, first)
                assert bench.read(csr.name) == first, (revision, csr.name, hex(value))
