# syntax=docker/dockerfile:1
# For GPUs: vLLM's own image, with the torch and CUDA that it was tested with, and rzero in it.
#
#   docker build -f docker/gpu.Dockerfile -t rzero:gpu .
#
# The version of vLLM is that of the extra `vllm` in py_worker/pyproject.toml. To hold an image to the byte, give its
# digest: `docker buildx imagetools inspect vllm/vllm-openai:v0.32.0` prints it, and VLLM=...@sha256:... takes it.
ARG NODE=node:20-bookworm-slim
ARG VLLM=vllm/vllm-openai:v0.32.0

FROM ${NODE} AS build
WORKDIR /opt/rzero
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY ts ts
RUN node ts/setup/setup.mjs build && npm prune --omit=dev --no-audit --no-fund

FROM ${VLLM}
# Version of a package of the system is the system's matter: its security updates come with the next build.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/rzero
COPY py_worker/pyproject.toml py_worker/constraints.txt py_worker/
# What vLLM does not bring, or brings in other versions than the worker's. Nothing that these want is installed: it would
# put another torch or numpy beside vLLM. accelerate is peft's.
RUN python3 -m pip install --no-cache-dir --no-deps -c py_worker/constraints.txt pyzmq msgspec peft accelerate
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /opt/rzero/node_modules node_modules
COPY --from=build /opt/rzero/dist dist
COPY package.json LICENSE docker/NOTICE ./
COPY docker/bin docker/bin
COPY py_worker py_worker
RUN ln -s /opt/rzero/docker/bin/rzero /opt/rzero/docker/bin/rzero-worker /usr/local/bin/
RUN useradd --uid 10001 --create-home rzero && install -d -o rzero -g rzero /data /data/runs /keys /home/rzero/.cache
# Folders of caches are trusted input of vLLM's: they are this user's alone. VLLM_SERVER_DEV_MODE stays unset.
ENV RZERO_PYTHON=/usr/bin/python3 \
  HF_HOME=/home/rzero/.cache/huggingface \
  VLLM_CACHE_ROOT=/home/rzero/.cache/vllm
USER 10001
WORKDIR /data
# tini is process 1: it passes signals on, and reaps what workers leave behind.
ENTRYPOINT ["tini", "--", "rzero"]
CMD ["--help"]
