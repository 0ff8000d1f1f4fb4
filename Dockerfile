# The mock server, conformance and load in one image: docker build --tag lucy-testkit:0.1.0 . No browser is in it, so no client sdk@….
FROM node:24-slim AS package
WORKDIR /source
COPY . .
RUN node -e "import('./scripts/setup.mjs').then(({ installPackages }) => installPackages())"
RUN mkdir /package && npm pack --pack-destination /package

FROM node:24-slim
ENV NODE_ENV=production
COPY --from=package /package /package
# node-av comes from the registry when you build: it has a GPL build of FFmpeg in it, whose terms hold for whoever hands the image on.
RUN npm install --global --ignore-scripts --no-audit --no-fund /package/lucy-testkit-*.tgz
WORKDIR /lucy
# Where runs/ goes.
RUN chown node /lucy
USER node
# Signalling and the control API; media.
EXPOSE 8787 50000-50100/udp
HEALTHCHECK --interval=10s --start-period=10s CMD ["node", "-e", "fetch('http://127.0.0.1:8787/_lucy/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["lucy-testkit"]
CMD ["mock", "--host", "0.0.0.0", "--udp-ports", "50000-50100"]
