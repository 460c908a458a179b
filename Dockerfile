# The operator's image where a Docker engine is at hand. `make image` builds the same binary, with the same flags,
# into an OCI tarball without one.
FROM golang:1.26 AS build
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /extensionapi-operator .

FROM gcr.io/distroless/static:nonroot
COPY --from=build /extensionapi-operator /extensionapi-operator
USER 65532:65532
ENTRYPOINT ["/extensionapi-operator"]
