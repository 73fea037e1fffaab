"""What every model class shares."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from fhir_rpm.month import FhirTime, Interval

Reference = Annotated[str, Field(min_length=3)]
"""A resource as `Type/id`."""

TimeField = Annotated[FhirTime, PlainSerializer(str, return_type=str)]
"""A FHIR time, written out with the precision it was stated with."""

IntervalField = Annotated[
    Interval, PlainSerializer(lambda interval: [interval.start.isoformat(), interval.end.isoformat()])
]
"""A stretch of time, written as its two UTC ends."""


class Frozen(BaseModel):
    """An immutable value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
