"""The only room that knows Dagster: partitions, resources, assets, sensors and jobs around the pipeline's rooms."""
