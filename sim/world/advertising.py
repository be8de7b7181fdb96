"""Advertising: how much of it a shop buys today, and what it brings, with diminishing returns."""

from __future__ import annotations

import numpy as np

from sim.core.kernels import Scalar, rule

_F = np.float32
MOST_ELASTIC = 0.45  # so that a shop without any advertising keeps some of its demand; assumption


@rule
def advertising_level(run_up: Scalar, is_short: Scalar, retreat: Scalar, saved: Scalar, given_up: Scalar) -> Scalar:
    """Advertising of today over the shop's usual: 1 on an ordinary day.

    More by ``run_up`` before promotions; ``saved`` of it less while money is short (``is_short`` 1, else 0), and
    ``given_up`` of it less as the owner turns away (``retreat`` from 0 to 1).
    """
    return (_F(1) + run_up) * (_F(1) - saved * is_short) * (_F(1) - given_up * retreat)


@rule
def advertising_elasticity(usual: Scalar, margin: Scalar, pull: Scalar) -> Scalar:
    """Elasticity of demand to advertising that makes the shop's ``usual`` share of sales the one that pays best.

    Dorfman and Steiner (AER 1954): advertising over sales = margin times elasticity.
    """
    elasticity = pull * usual / margin
    return elasticity if elasticity < _F(MOST_ELASTIC) else _F(MOST_ELASTIC)


@rule
def advertising_response(level: Scalar, elasticity: Scalar) -> Scalar:
    """Factor on demand of advertising at ``level`` times the usual: one there, with diminishing returns.

    ``1 + 2 e (level - 1)/(level + 1)``: from 1 - 2e without any to 1 + 2e with no end of it, elasticity e at one; the
    concave case of Little's response function (Operations Research 1970).
    """
    return _F(1) + _F(2) * elasticity * (level - _F(1)) / (level + _F(1))
