"""Amazon Web Services: the only package that knows boto3, which is loaded once something here is constructed."""
