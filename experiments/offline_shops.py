"""Fit of the preset ``offline_shops`` to payments of shops by day (Koubei), by what `lendsim fit` does.

Run as ``python experiments/offline_shops.py`` where the data are: it writes the preset. Two values are assumed before
the fit, since goods and money are not in payments: owners of such shops are hardly ever out of goods for want of
capital. With the default the smallest fifth of shops would stand without goods, as the real ones do not; that fifth is
therefore no evidence.
"""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from marketplace_small import as_preset
from preset_data import BASE, ROOT, SHOPS, TICKETS

from sim.study.fit.estimates import Fit
from sim.study.fit.read import read
from sim.study.fit.run import fit

PRESET = ROOT / "sim" / "world" / "presets" / "offline_shops.yaml"
ASSUMED: dict[str, Any] = {"cash.patience": 2.0}
SEED = 1

HEAD = """\
# Offline food and convenience shops, fitted by experiments/offline_shops.py to payments of 966 of them by day, 2015-06
# to 2016-09 (IJCAI-17 contest data of Koubei, for research only, of which only these figures are here). Each value: how
# it was set and its standard error (s.e.). What payments do not tell (margin, costs, stock, borrowing, honesty) keeps
# the default, an assumption. Promotions of those days are no part of it.
"""


def fitted(seed: int = SEED) -> Fit:
    """The fit, over a base that holds what is assumed."""
    observed = read(SHOPS, {"value": "per_pay"}, values=TICKETS)
    with TemporaryDirectory() as folder:
        (Path(folder) / "base.yaml").write_bytes(BASE.read_bytes())
        base = Path(folder) / "offline.yaml"
        groups = [f"  {key.split('.')[0]}: {{{key.split('.')[1]}: {value}}}" for key, value in ASSUMED.items()]
        base.write_text("about: {title: assumed}\nextends: base\nmerchants:\n" + "\n".join(groups) + "\n")
        return fit(observed, base, seed)


def as_text(found: Fit) -> str:
    """The preset."""
    lines: list[tuple[str, Any, str]] = [(one.key, one.written(), one.comment()) for one in found.estimates]
    lines += [(key, value, "assumed: see the head of experiments/offline_shops.py") for key, value in ASSUMED.items()]
    lines.append(("demand.category_shock", 0.0, "all are of one trade"))
    return as_preset(lines, HEAD)


def main() -> None:
    if not SHOPS.exists():
        raise SystemExit(f"the data are not at {SHOPS.parent}")
    found = fitted()
    PRESET.write_text(as_text(found), encoding="utf-8")
    print("largest gap in standard errors after each improvement:", [round(x, 2) for x in found.path])
    for key, _, real, simulated, error in found.gaps:
        print(f"{key:32} real {real:8.4f} simulated {simulated:8.4f} s.e. {error:.4f}")
    print(f"{found.n_met} of {len(found.judged)} moments of the fit's own judgement are met; missed:")
    for one in found.judged:
        if not one.is_met and math.isfinite(one.real):
            print(f"  {one.group}: {one.name}: {one.real:.4g}, simulated {one.simulated:.4g}, noise {one.noise:.2g}")
    for one in found.common.promotions:
        print(f'    "{one.name}": ("{one.first}", {one.days}, {one.lift:.3f}),  # s.e. {one.error:.2g}')
    print(PRESET)


if __name__ == "__main__":
    main()
