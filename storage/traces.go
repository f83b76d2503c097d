package storage

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

var tracer = otel.Tracer("limn/storage")

// An Option is a way in which a store works.
type Option func(*pgxpool.Config)

// Traced makes a span of each statement.
func Traced(c *pgxpool.Config) { c.ConnConfig.Tracer = queries{} }

// queries makes spans of what belongs to something that is traced: what limn asks by itself every other second does not.
type queries struct{}

type statementKey struct{}

// begin begins a span with a statement, which holds no values: those are its arguments.
func (queries) begin(ctx context.Context, kind, statement string) context.Context {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	ctx, span := tracer.Start(ctx, kind, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", "postgresql"), attribute.String("db.query.text", statement)))
	return context.WithValue(ctx, statementKey{}, span)
}

// end ends it. Of an error only its code is told: its words can hold what somebody wrote.
func (queries) end(ctx context.Context, err error) {
	span, traced := ctx.Value(statementKey{}).(trace.Span)
	if !traced {
		return
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		span.SetStatus(codes.Error, "")
		if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) {
			span.SetAttributes(attribute.String("db.response.status_code", refused.Code))
		}
	}
	span.End()
}

// TraceQueryStart implements pgx.QueryTracer.
func (q queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	words := strings.Fields(data.SQL)
	if len(words) == 0 {
		words = []string{"nothing"}
	}
	return q.begin(ctx, words[0], strings.Join(words, " "))
}

// TraceQueryEnd implements pgx.QueryTracer.
func (q queries) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	q.end(ctx, data.Err)
}

// TraceBatchStart implements pgx.BatchTracer.
func (q queries) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	return q.begin(ctx, "batch", "")
}

// TraceBatchQuery implements pgx.BatchTracer.
func (queries) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (q queries) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	q.end(ctx, data.Err)
}

// TraceCopyFromStart implements pgx.CopyFromTracer.
func (q queries) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceCopyFromStartData) context.Context {
	return q.begin(ctx, "COPY", "COPY "+data.TableName.Sanitize())
}

// TraceCopyFromEnd implements pgx.CopyFromTracer.
func (q queries) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceCopyFromEndData) {
	q.end(ctx, data.Err)
}
