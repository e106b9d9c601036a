# syntax=docker/dockerfile:1
# A small image without CUDA, for laptops and CI: the embedded base on the CPU, or the mock worker alone.
#
#   docker build -f docker/cpu.Dockerfile -t rzero:cpu .
#   docker build -f docker/cpu.Dockerfile -t rzero:mock --build-arg BACKEND=mock .
#
# To hold an image to the byte, give its digest: `docker buildx imagetools inspect node:20-bookworm-slim` prints it, and
# NODE=node:20-bookworm-slim@sha256:... takes it.
ARG NODE=node:20-bookworm-slim
ARG PYTHON=python:3.11-slim-bookworm

FROM ${NODE} AS build
WORKDIR /opt/rzero
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY ts ts
RUN node ts/setup/setup.mjs build && npm prune --omit=dev --no-audit --no-fund

FROM ${PYTHON}
# Version of a package of the system is the system's matter: its security updates come with the next build.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/rzero
COPY py_worker/pyproject.toml py_worker/constraints.txt py_worker/README.md py_worker/
# torch: with PyTorch and transformers, for CPUs; mock: without, for `--preset mock`.
ARG BACKEND=torch
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# What the worker needs, before the worker itself: a change of its code downloads nothing again.
RUN if [ "$BACKEND" = mock ]; then extra='' index=''; else extra="[$BACKEND]" index=$TORCH_INDEX; fi \
  && pip install --no-cache-dir ${index:+--extra-index-url "$index"} "./py_worker$extra" -c py_worker/constraints.txt \
  && pip uninstall --yes rzero-worker
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /opt/rzero/node_modules node_modules
COPY --from=build /opt/rzero/dist dist
COPY package.json LICENSE docker/NOTICE ./
COPY docker/bin docker/bin
COPY py_worker py_worker
RUN ln -s /opt/rzero/docker/bin/rzero /opt/rzero/docker/bin/rzero-worker /usr/local/bin/
RUN useradd --uid 10001 --create-home rzero && install -d -o rzero -g rzero /data /data/runs /keys /home/rzero/.cache
ENV RZERO_PYTHON=/usr/local/bin/python3 HF_HOME=/home/rzero/.cache/huggingface
USER 10001
WORKDIR /data
# tini is process 1: it passes signals on, and reaps what workers leave behind.
ENTRYPOINT ["tini", "--", "rzero"]
CMD ["--help"]
