# The CPU and the CUDA image differ only in where torch's wheel comes from, and in the kernels:
#   TORCH_INDEX   an extra package index; with none, PyPI's own torch carries CUDA
#   wheels        a build context of wheels, empty unless given: --build-context wheels=FOLDER
#   KERNELS       the losses or expressions of which kernels are compiled, for long float32 arrays; empty: none, and no
#                 compiler is fetched
#   BASE_IMAGE    an image of Python 3.11 that is built upon; with a digest, python:3.11-slim@sha256:..., it is pinned
ARG BASE_IMAGE=python:3.11-slim
FROM scratch AS wheels

# A stage of its own, so that only a changed dependency installs anything again, not a changed lint rule.
FROM ${BASE_IMAGE} AS requirements
COPY pyproject.toml /
RUN python -c "import tomllib; print(*tomllib.load(open('/pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
    > /requirements.txt

# In an environment of its own, which the last stage takes without what only a compiler needs.
FROM ${BASE_IMAGE} AS installed
ARG TORCH_INDEX=""
RUN --mount=type=bind,from=wheels,target=/wheels \
    --mount=type=bind,from=requirements,source=/requirements.txt,target=/tmp/requirements.txt \
    --mount=type=bind,source=constraints.txt,target=/tmp/constraints.txt \
    python -m venv --without-pip /environment \
    && pip --python /environment/bin/python install --no-cache-dir --disable-pip-version-check \
      --find-links /wheels ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
      -r /tmp/requirements.txt -c /tmp/constraints.txt
ENV PATH=/environment/bin:$PATH

# Kernels for every processor of this architecture. Their names are digests of the formulas and of torch's version, which
# the last stage has too.
FROM installed AS kernels
WORKDIR /app
# A parameter that is not the default stands for all its values.
ARG KERNELS="mse mae huber huber(delta=2) smooth_l1 quantile quantile(quantile=0.9) bce bce(from_logits=false) categorical_ce sparse_categorical_ce focal dice"
RUN [ -z "$KERNELS" ] || { apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends g++ >/dev/null; }
COPY losses losses
RUN set -f && mkdir /kernels && { [ -z "$KERNELS" ] || OMP_NUM_THREADS=1 \
    python -u -m losses.evaluation.kernels.build /kernels $KERNELS --instructions all; }

FROM installed AS trimmed
# torch's headers and its own tests, 170 MB
RUN cd /environment/lib/python3.11/site-packages/torch && rm -rf include test bin/*[Tt]est*

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="Lossary" \
      org.opencontainers.image.description="Which loss should I use on this data, and what does any loss say about these predictions?"
ENV PYTHONUNBUFFERED=1
WORKDIR /app

# Nothing is installed from here on.
RUN python -I -c "import pathlib, pip, shutil; [shutil.rmtree(each) for each in pathlib.Path(pip.__file__).parents[1].glob('pip*')]" \
    && rm -rf /usr/local/bin/pip* /usr/bin/pip* /usr/local/lib/python3.11/ensurepip /usr/share/python-wheels
COPY --from=trimmed /environment /environment
ENV PATH=/environment/bin:$PATH
COPY --from=kernels /kernels /kernels
ENV LOSSARY_KERNELS=/kernels

COPY losses losses
COPY recommender recommender
COPY service service
COPY sbom.json sbom.json
# Nothing can be written later but datasets: the user owns no other file, and the root may be read-only.
RUN python -m compileall -q . && mkdir /data && chown 10001:10001 /data
ENV LOSSARY_DATA=/data

USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# http.client, because urllib would ask a proxy that the container was given.
HEALTHCHECK --interval=10s --timeout=5s --retries=3 --start-period=60s --start-interval=1s \
  CMD ["python", "-ISc", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/readyz'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["python", "-m", "service", "--host", "0.0.0.0", "--port", "8000"]
