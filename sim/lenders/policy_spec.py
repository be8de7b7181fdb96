"""A policy as a scenario writes it: its name, with its parameters beside it."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, SerializerFunctionWrapHandler, model_serializer, model_validator

from sim.core.quantities import Parameters, Text, parameter


class PolicySpec(Parameters):
    """A policy by name, or ``module:Class``, with the parameters of its constructor.

    In a file the parameters stand beside ``policy``; here they are collected in ``parameters`` as they were read, to be
    checked and understood by the policy itself (:func:`sim.lenders.policy.check_parameters`).
    """

    model_config = ConfigDict(json_schema_extra={"additionalProperties": True})
    policy: Text
    parameters: dict[str, Any] = parameter(
        {}, unit="as the policy says", source="the policy", doc="Parameters of the policy, written beside its name."
    )

    @model_validator(mode="before")
    @classmethod
    def _collect(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        own = cls.model_fields.keys() - {"parameters"}
        known = {key: value for key, value in data.items() if key in own}
        return {
            **known,
            "parameters": {key: value for key, value in data.items() if key not in own and value is not None},
        }

    @model_serializer(mode="wrap")
    def _beside(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        parameters = written.pop("parameters")
        return {**written, **parameters}
