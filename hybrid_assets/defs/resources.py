"""Resources: configuration that becomes a domain object. The domain object itself lives in `runner.project`."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from hybrid_assets.defs.instance import PROCESS_TAG, process_tag
from hybrid_assets.runner.project import Project
from hybrid_assets.settings import load_settings


class ProjectResource(dg.ConfigurableResource[Project]):
    """The project of a settings file; ``settings_file`` empty means: where `load_settings` looks."""

    settings_file: str = ""

    def create_resource(self, context: dg.InitResourceContext) -> Project:
        """Open the project; what it reports goes to the run's log."""
        log = context.log
        return Project.open(load_settings(self.settings_file or None), report=log.info if log else print)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Project]:
        """Open the project for one run or tick and close it behind it; a run says which process executes it."""
        if context.run and context.instance:
            context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: process_tag()})
        project = self.create_resource(context)
        try:
            yield project
        finally:
            project.close()
