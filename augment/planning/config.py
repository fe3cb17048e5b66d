"""Section ``plan`` of params.yaml: what shall be made, and how far the plan may go for it."""

from collections.abc import Sequence

from pydantic import Field, model_validator

from augment.params import Section, require_known
from augment.planning.targets import Target


class GeneratorLimits(Section):
    """How far the plan may lean on one generator."""

    extra_cost: float = Field(default=0.0, ge=0)  # added to the cost of each of its moves
    max_share: float = Field(default=1.0, gt=0, le=1)  # of a bin's deficit that it may fill


class Config(Section):
    """Section ``plan`` of params.yaml."""

    target: Target = Field(default_factory=Target)
    max_children_per_parent: int = Field(default=4, ge=1)  # candidates, whether they pass or not
    max_synthetic_share: float = Field(default=0.75, ge=0, le=1)  # of a bin, after filling
    spare: float = Field(default=1.25, ge=1, le=20)  # candidates for each face, where unmeasured
    # The same, at most, where measured. Donors that would need more are a generator's last choice.
    most_spare: float = Field(default=6.0, ge=1, le=20)
    generators: dict[str, GeneratorLimits] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _spares_in_order(self) -> "Config":
        if self.spare > self.most_spare:
            raise ValueError("'spare' must not be above 'most_spare'")
        return self


def check_generators(config: Config, keys: Sequence[str]) -> None:
    """Refuse limits of a generator that there is not.

    Args:
        config: the section ``plan``.
        keys: the entries of ``generators`` in params.yaml.

    Raises:
        UserError: ``plan.generators`` names another one.
    """
    lack = "there is no such entry under generators"
    require_known(list(config.generators), keys, "plan.generators", lack)
