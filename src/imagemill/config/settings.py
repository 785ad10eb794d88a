"""All settings in one: the rooms' own, in the order in which the documentation lists them."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from imagemill.config.access import Access
from imagemill.config.broker import Broker
from imagemill.config.delivery import Delivery
from imagemill.config.flower import Flower
from imagemill.config.limits import Bounds
from imagemill.config.observability import Observability
from imagemill.config.record import Record
from imagemill.config.relations import contradictions
from imagemill.config.service import Service
from imagemill.config.spelling import PREFIX
from imagemill.config.storage import Storage
from imagemill.config.work import Work


# From the bottom up: pydantic lists the fields of the last base first.
class Settings(Flower, Observability, Work, Bounds, Broker, Storage, Record, Delivery, Service, Access, BaseSettings):
    """All settings, frozen. Durations are seconds, sizes bytes, unless the name says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_ignore_empty=True,
        defer_build=False,
    )

    faults: str = Field(
        "", description="Testing only: fault points to stop or kill at, such as `job-claimed:kill:1`; see faults.py."
    )

    @model_validator(mode="after")
    def _check_relations(self) -> Self:
        for contradiction in contradictions(self):
            raise ValueError(contradiction)
        return self
