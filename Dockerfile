# The worker and every other `tidewatch` command. Packages are built and installed in a stage of their own, so that the
# image that runs holds neither pip's cache nor anything that builds. Where a tag is not enough, name the digest that you
# have looked at: docker build --build-arg BASE=python:3.11.14-slim-trixie@sha256:... .
ARG BASE=python:3.11.14-slim-trixie
FROM ${BASE} AS build
WORKDIR /source
COPY pyproject.toml constraints.txt README.md ./
COPY schemas schemas
COPY streams streams
COPY sinks sinks
COPY sources sources
COPY embedded embedded
COPY demo demo
RUN python -m venv --without-pip /opt/tidewatch \
    && pip --python /opt/tidewatch/bin/python install --no-cache-dir --only-binary :all: --constraint constraints.txt '.[pdf]'

FROM ${BASE}
LABEL org.opencontainers.image.title="Tidewatch" \
      org.opencontainers.image.licenses="Apache-2.0"
# Pango lays out reports in PDF, in a font: the base image has neither.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        fonts-dejavu-core libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && python -m pip uninstall --yes --quiet --root-user-action ignore pip setuptools wheel \
    && useradd --system --uid 10001 --user-group --create-home --home-dir /var/lib/tidewatch tidewatch
COPY --from=build /opt/tidewatch /opt/tidewatch
ENV PATH="/opt/tidewatch/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /var/lib/tidewatch
EXPOSE 8080
# /readyz is 503 while Kafka or ClickHouse is away; urlopen raises for it.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --start-interval=2s --retries=4 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tidewatch"]
CMD ["worker"]
