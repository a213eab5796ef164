# flightlake as an image: a virtual environment on a slim Python, run by an unprivileged user.
#
#   docker build -t flightlake .
#   docker run --read-only --tmpfs /tmp -v state:/var/lib/flightlake -v ./flightlake.toml:/etc/flightlake/flightlake.toml:ro \
#     -p 31337:31337 flightlake
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/flightlake
# What flightlake needs changes seldom, flightlake itself often: two layers.
COPY pyproject.toml constraints.txt ./
RUN /opt/flightlake/bin/python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
      needed = project['dependencies'] + project['optional-dependencies']['postgres']; \
      print(*needed, sep='\n')" > needed.txt \
 && /opt/flightlake/bin/python -m pip install --constraint constraints.txt --requirement needed.txt
COPY README.md LICENSE ./
COPY flightlake flightlake
RUN /opt/flightlake/bin/python -m pip install --constraint constraints.txt '.[postgres,hive,glue]' \
 && /opt/flightlake/bin/python -m pip uninstall --yes pip setuptools \
 && /opt/flightlake/bin/python -m compileall -q /opt/flightlake/lib

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="flightlake" \
      org.opencontainers.image.description="An Arrow Flight SQL server for Iceberg lakehouses" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 flightlake \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/flightlake --shell /usr/sbin/nologin flightlake \
 && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/flightlake
COPY --from=build /opt/flightlake /opt/flightlake
ENV PATH=/opt/flightlake/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/flightlake
VOLUME ["/var/lib/flightlake"]
EXPOSE 31337 31338
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:31338/livez', timeout=4)"]
ENTRYPOINT ["flightlake"]
CMD ["serve", "--config", "/etc/flightlake/flightlake.toml"]
