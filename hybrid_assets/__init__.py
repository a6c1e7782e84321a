"""Reliable, measurable, explainable quantum kernels inside classical workflows: a Dagster asset graph.

`evaluate` answers one problem instance by a deadline. It is imported when it is first used, so that importing the
package stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid_assets.model.answers import Answer
    from hybrid_assets.runner.evaluation import evaluate

__all__ = ["Answer", "evaluate"]


def __getattr__(name: str) -> Any:
    if name == "evaluate":
        from hybrid_assets.runner.evaluation import evaluate  # noqa: PLC0415 - imports the stores

        return evaluate
    if name == "Answer":
        from hybrid_assets.model.answers import Answer  # noqa: PLC0415 - with the function

        return Answer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
