# One image for everything of ours in docker-compose.yml: web, worker, migrate, deploy and the Prefect server.
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    DO_NOT_TRACK=1 \
    CHUNCHA_DATA=/data

RUN useradd --create-home --uid 10001 chuncha && install --directory --owner=chuncha --group=chuncha /data

WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY . .
RUN pip install --no-index --no-build-isolation --no-deps --editable . \
    && python forms/browser/build.py && rm -rf node_modules

USER chuncha
EXPOSE 8080
ENTRYPOINT ["/app/deploy/with-secrets"]
CMD ["chuncha", "web", "--host", "0.0.0.0"]
