# The query service for AWS Lambda. Built in the folder that scripts/build_lambda.py fills, which has everything in it:
# nothing is run while it is built, so that a machine of any kind builds it for the function's.
ARG MACHINE=arm64
FROM public.ecr.aws/lambda/python:3.12-${MACHINE}
COPY . ${LAMBDA_TASK_ROOT}/
CMD ["api.lambda_handler.handler"]
