"""Fit of the preset ``offline_shops`` to payments of shops by day (Koubei), by what `lendsim fit` does.

Run as ``python experiments/offline_shops.py`` where the data are: it writes the preset. Some values are assumed before
the fit, since goods and money are not in payments: owners of such shops are hardly ever out of goods for want of
capital, and costs are low against what is paid through one app, which is a part of a shop's sales. With the defaults
shops that begin small would stand without goods, as the real ones do not; the smallest fifth is therefore no evidence.
The shops are of many cities: what one of them cannot serve does not go to the others.

The path of the market (`market_path`) is told from the fitted shops and they from it: the fit begins with the path that
``experiments/presets.py`` holds, and prints the one that its shops need, to be written there. The preset is the sixth
round of this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from market_path import events_of, logs_of
from marketplace_small import as_preset
from preset_data import BASE, ROOT, SHOPS, TICKETS
from presets import OFFLINE_PATH

from sim.study.fit.estimates import Fit
from sim.study.fit.read import Observed, read
from sim.study.fit.run import fit
from sim.study.fit.scenario_file import beside

PRESET = ROOT / "sim" / "world" / "presets" / "offline_shops.yaml"
ASSUMED: dict[str, Any] = {
    "cash.patience": 2.0,
    "trade.fixed_cost_share": 0.1,
    "trade.fixed_cost_spread": 0.0,
    "demand.business_stealing": 0.0,
}
SEED = 1

HEAD = """\
# Offline food and convenience shops, fitted by experiments/offline_shops.py to payments of 966 of them by day, 2015-06
# to 2016-09 (IJCAI-17 contest data of Koubei, for research only, of which only these figures are here). Each value: how
# it was set and its standard error (s.e.). What payments do not tell (margin, costs, stock, borrowing, honesty) keeps
# the default, an assumption. Promotions, holidays
# and the market's path of those days are no part of it.
"""


def fitted(seed: int = SEED) -> tuple[Fit, dict[str, float]]:
    """The fit, over a base that holds what is assumed and the path of the market; and the path that it asks for."""
    observed = read(SHOPS, {"value": "per_pay"}, values=TICKETS)
    found = _fit_over(observed, OFFLINE_PATH, seed)
    assumed = {f"merchants.{key}": value for key, value in ASSUMED.items()}
    return found, logs_of(observed.days, assumed | _demand_of(found))


def _fit_over(observed: Observed, logs: Mapping[str, float], seed: int) -> Fit:
    with TemporaryDirectory() as folder:
        (Path(folder) / "base.yaml").write_bytes(BASE.read_bytes())
        base = Path(folder) / "offline.yaml"
        groups = []
        for group in dict.fromkeys(key.split(".")[0] for key in ASSUMED):
            own = {key.split(".")[1]: value for key, value in ASSUMED.items() if key.startswith(f"{group}.")}
            groups.append(f"  {group}: {{{', '.join(f'{name}: {value}' for name, value in own.items())}}}")
        moves = [
            f"  {key.partition('.')[2]}: {{{', '.join(f'{name}: {value}' for name, value in event.items())}}}"
            for key, event in events_of(logs, observed.days).items()
        ]
        text = ["about: {title: assumed}", "extends: base", "merchants:", *groups]
        base.write_text("\n".join([*text, "events:", *moves]) + "\n")
        return fit(observed, base, seed)


def _demand_of(found: Fit) -> dict[str, Any]:
    """What a fit says of merchants and promotions, to lay over the plain base."""
    return {key: value for key, value in found.plan.items() if key.startswith(("merchants.", "events."))}


def as_text(found: Fit) -> str:
    """The preset."""
    lines: list[tuple[str, Any, str]] = [(one.key, one.written(), one.comment()) for one in found.estimates]
    lines += beside(found.plan)
    lines += [(key, value, "assumed: see the head of experiments/offline_shops.py") for key, value in ASSUMED.items()]
    lines.append(("demand.category_shock", 0.0, "all are of one trade"))
    return as_preset(lines, HEAD)


def main() -> None:
    if not SHOPS.exists():
        raise SystemExit(f"the data are not at {SHOPS.parent}")
    found, logs = fitted()
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
    for day in found.holidays:
        print(f'    "{day.name}": ("{day.first}", {day.days}, {day.lift:.3f}, {day.spread:.3f}),')
    print("    " + ", ".join(f'"{name}": {log:.3f}' for name, log in logs.items()))
    print(PRESET)


if __name__ == "__main__":
    main()
