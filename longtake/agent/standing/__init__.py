"""Standing queries: a stream is watched for what a person wants to be told of, once and on time."""
