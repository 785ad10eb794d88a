"""The dry run: everything that accepting an image would look at, and nothing of what it would do.

Nothing is stored, recorded, sent or counted against a quota.
"""

from dataclasses import dataclass, replace

from imagemill.domain.caller import Caller
from imagemill.domain.header import Header
from imagemill.domain.limits import Limits
from imagemill.domain.ports import Bytes, ImageEngine, JobStore
from imagemill.domain.prospect import Prospect
from imagemill.domain.recipe import Recipe
from imagemill.flow.marks import check_marks
from imagemill.flow.quota import Quota


@dataclass(frozen=True)
class Plan:
    """Tells what would be made.

    Args:
        limits: what one image may cost.
        quota: refuses what its caller may never have done; what he has used of it does not matter here.
    """

    engine: ImageEngine
    jobs: JobStore
    limits: Limits
    quota: Quota

    def plan(self, caller: Caller, data: Bytes, recipe: Recipe) -> tuple[Header, tuple[Prospect, ...]]:
        """The source, and what would be made of it, in the recipe's order; warnings point into the request.

        Args:
            caller: who asks.
            data: the image's bytes.
            recipe: what would be made of it.

        Raises:
            BadInput: the image or the recipe would be refused.
            RecordUnavailable: a watermark could not be looked up.
        """
        recipe.check_boxes(self.limits.output_pixels)
        self.limits.check_bytes(len(data))
        check_marks(self.jobs, caller.owner, recipe)
        header = self.engine.probe(data)
        self.limits.check_header(header)
        recipe.check_boxes(self.limits.output_pixels, header)
        recipe.check_source(header.size)
        self.quota.charge(caller, header)
        prospects = self.engine.foresee(data, header, recipe)
        return header, tuple(
            replace(prospect, warnings=recipe.located(position, prospect.warnings))
            for position, prospect in enumerate(prospects)
        )
