# limn alone: it needs a Postgres elsewhere, named by LIMN_DATABASE_URL. docker-compose.yml has both.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -tags=nomsgpack -trimpath -ldflags="-s -w -X main.version=$VERSION" -o /limn .

FROM scratch
# Pages are fetched over TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /limn /limn
# Nobody in particular; limn writes no files here.
USER 65532:65532
# In a container the loopback is nobody else's; who may reach the port is decided where it is published.
ENV LIMN_LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/limn"]
