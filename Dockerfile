# SPDX-License-Identifier: Apache-2.0

# Tags move: a release builds on the digests that they have then (make base-digests), and on nothing else. The Go is that of
# the toolchain line in go.mod, which make verify checks.
ARG BUILDER=golang:1.26.8
ARG BASE=gcr.io/distroless/static-debian12:nonroot

# The builder runs on the machine's own platform and cross-compiles, so that no emulation is needed.
FROM --platform=$BUILDPLATFORM ${BUILDER} AS builder
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
WORKDIR /src

# Dependencies change less often than code: a layer of their own.
COPY go.mod go.sum ./
COPY api/go.mod api/go.sum api/
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY main.go ./
COPY api/ api/
COPY internal/ internal/
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=${VERSION}" -o manager .

# It has certificates of authorities, a user and nothing else: no shell, no package manager.
FROM ${BASE}
ARG VERSION=dev
LABEL org.opencontainers.image.title="livepeer-task-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=builder /src/manager /manager
USER 65532:65532
ENTRYPOINT ["/manager"]
