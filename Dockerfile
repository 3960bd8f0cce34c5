# docker build -t postern .
# Ports: 4000 for the API and the console, 4001 for the objects endpoint. All data is in /data.

FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY test/browser/uppy test/browser/uppy
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM node:24-slim AS packages
WORKDIR /build
COPY package.json package-lock.json ./
COPY test/browser/uppy test/browser/uppy
RUN npm ci --no-audit --no-fund --omit=dev

FROM node:24-slim
ENV NODE_ENV=production \
    POSTERN_STORAGE_DISK_PATH=/data
WORKDIR /app
COPY --from=packages /build/node_modules node_modules
COPY --from=build /build/dist/packages/postern/ ./
COPY ops/docker/entrypoint.sh /usr/local/bin/postern-entrypoint
# The application belongs to root and is read-only. The user can write only to /data.
RUN chmod 0755 dist/cli/postern.js /usr/local/bin/postern-entrypoint \
    && ln -s /app/dist/cli/postern.js /usr/local/bin/postern \
    && mkdir -p /data \
    && chown node:node /data
USER node
VOLUME /data
EXPOSE 4000 4001
HEALTHCHECK --interval=10s --timeout=8s --start-period=30s --retries=3 CMD ["postern", "health"]
# Requests may take up to server.shutdownTimeout (30 s) to finish, so give `docker stop` more than its default 10 s.
STOPSIGNAL SIGTERM
ENTRYPOINT ["postern-entrypoint"]
CMD ["serve"]
