# The query service for AWS Lambda, and the task that compacts days. Built in the folder that scripts/build_lambda.py fills,
# which has everything in it: nothing is run while it is built, so that a machine of any kind builds it for the function's.
ARG MACHINE=arm64

# for Fargate, by --target compact: an ordinary user, who may write to the one folder that a volume is mounted over
FROM public.ecr.aws/lambda/python:3.12-${MACHINE} AS compact
COPY . ${LAMBDA_TASK_ROOT}/
COPY --chown=10001:10001 scratch/ /scratch/
ENV TMPDIR=/scratch/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR ${LAMBDA_TASK_ROOT}
USER 10001:10001
VOLUME ["/scratch/tmp"]
ENTRYPOINT ["/var/lang/bin/python3.12", "-m", "telemetry_pipeline.compact_task"]

FROM public.ecr.aws/lambda/python:3.12-${MACHINE}
COPY . ${LAMBDA_TASK_ROOT}/
CMD ["api.lambda_handler.handler"]
