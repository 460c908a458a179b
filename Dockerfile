# The operator's image where a Docker engine is at hand, for one platform or, with buildx, for several. `make image` and
# `make release` write the same image without one. A test runs the RUN lines and compares what they build.
#
#   docker build --build-arg VERSION=v0.1.0 --build-arg COMMIT=$(git rev-parse HEAD) --tag REGISTRY/extensionapi-operator .
FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
ARG VERSION=dev
ARG COMMIT=unknown
ARG TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN GOARCH=$TARGETARCH hack/build.sh extensionapi-operator

# Nothing but the program: it trusts only authorities that the cluster names, and tells time in UTC.
FROM scratch
COPY --from=build /src/extensionapi-operator /extensionapi-operator
USER 65532:65532
ENTRYPOINT ["/extensionapi-operator"]
