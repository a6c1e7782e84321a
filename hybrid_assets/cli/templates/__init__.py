"""What `hybrid-assets init` writes: files with ``$names`` to fill in. Put no code here.

``sections/NAME.yaml`` is what `sweep.yaml` says of a workload beside its inputs, where there is something to say;
``examples/`` holds the inputs of a project that was given none.
"""
