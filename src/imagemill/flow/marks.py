"""Whether the watermarks that a recipe names are there to be laid over something."""

from imagemill.domain.formats import ImageFormat
from imagemill.domain.options import refuse
from imagemill.domain.ports import JobStore
from imagemill.domain.recipe import Recipe
from imagemill.errors import OptionProblem


def check_marks(jobs: JobStore, owner: str, recipe: Recipe) -> None:
    """Refuse a recipe with a watermark that its owner does not have.

    Raises:
        InvalidOptions: with a pointer to each token that leads to no picture, or to one that cannot be a mark.
    """
    problems = []
    for token, place in recipe.marks.items():
        job = jobs.find(token, owner)
        if job is None or not job.products:
            problems.append(OptionProblem(place, "must be the token of a job of yours that has ended in SUCCESS"))
        elif job.products[0].format is ImageFormat.JP2:
            problems.append(OptionProblem(place, "must be of another format than JPEG 2000"))
    refuse(problems)
