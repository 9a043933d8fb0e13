// What clickhouse-go makes of a server, as lines of JSON: one an answer, with what the driver gave or how it failed.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/shopspring/decimal"
)

var methods = map[string]*clickhouse.Compression{
	"default": nil,
	"lz4":     {Method: clickhouse.CompressionLZ4},
	"zstd":    {Method: clickhouse.CompressionZSTD, Level: 3},
	"gzip":    {Method: clickhouse.CompressionGZIP, Level: 1},
}

func say(name string, value any) {
	line, err := json.Marshal(map[string]any{"name": name, "value": value})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

// failure is the server's code where the driver found one, else the driver's own words.
func failure(err error) any {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return int(exception.Code)
	}
	if err == nil {
		return nil
	}
	return err.Error()
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	address, database, method := os.Args[1], os.Args[2], os.Args[3]
	options := &clickhouse.Options{
		Protocol:    clickhouse.HTTP,
		Addr:        []string{address},
		Auth:        clickhouse.Auth{Database: database, Username: "default"},
		Compression: methods[method],
	}
	if method == "gzip" {
		// The driver asks for the encoding, and leaves it to the settings that the server heeds it.
		options.Settings = clickhouse.Settings{"enable_http_compression": 1}
	}
	ctx := context.Background()
	conn, err := clickhouse.Open(options)
	must(err)
	defer conn.Close()
	must(conn.Ping(ctx))
	rowsThereAndBack(ctx, conn, "go_"+method)
	failures(ctx, conn)
	asGrafanaAsks(ctx, options)
}

func rowsThereAndBack(ctx context.Context, conn clickhouse.Conn, table string) {
	must(conn.Exec(ctx, "CREATE TABLE "+table+` (
		number UInt64, text String, kind LowCardinality(String), at DateTime('Europe/Berlin'), fine DateTime64(3, 'UTC'),
		plain DateTime, maybe Nullable(UInt32), list Array(String), named Map(String, UInt64),
		pair Tuple(a UInt8, b String), amount Decimal(18, 4), wide Int128, choice Enum8('a' = 1, 'b' = 2), id UUID
	) ENGINE = MergeTree ORDER BY number`))
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+table+
		" (number, text, kind, at, fine, plain, maybe, list, named, choice)")
	must(err)
	start := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for number := range 20_000 {
		var maybe *uint32
		if number%3 == 0 {
			value := uint32(number)
			maybe = &value
		}
		must(batch.Append(uint64(number), fmt.Sprintf("row %d", number), "kind", start, start, start, maybe,
			[]string{"x", "y"}, map[string]uint64{"k": uint64(number)}, "b"))
	}
	must(batch.Send())
	rows, err := conn.Query(ctx, "SELECT * FROM "+table+" ORDER BY number")
	must(err)
	var count, total uint64
	for rows.Next() {
		var number uint64
		var text, kind, choice, id string
		var at, fine, plain time.Time
		var maybe *uint32
		var list []string
		var named map[string]uint64
		var pair []any
		var amount decimal.Decimal
		var wide big.Int
		must(rows.Scan(&number, &text, &kind, &at, &fine, &plain, &maybe, &list, &named, &pair, &amount, &wide, &choice, &id))
		count++
		total += number + named["k"] + uint64(len(list))
		if number == 3 {
			say("row", map[string]any{"text": text, "kind": kind, "at": at.Format(time.RFC3339), "zone": at.Location().String(),
				"fine": fine.Location().String(), "plain": plain.Location().String(), "maybe": *maybe, "choice": choice, "id": id, "pair": pair,
				"amount": amount.String(), "wide": wide.String()})
		}
	}
	must(rows.Err())
	say("rows", []uint64{count, total})
	var bound string
	must(conn.QueryRow(ctx, "SELECT concat({word:String}, toString(count())) FROM "+table+" WHERE number < {n:UInt64}",
		clickhouse.Named("word", "it's "), clickhouse.Named("n", "10")).Scan(&bound))
	say("parameters", bound)
	var none uint64
	say("no rows", failureOfNone(conn.QueryRow(ctx, "SELECT number FROM "+table+" WHERE number > 1000000").Scan(&none)))
}

func failureOfNone(err error) any {
	if errors.Is(err, sql.ErrNoRows) {
		return "none"
	}
	return failure(err)
}

func failures(ctx context.Context, conn clickhouse.Conn) {
	drain := func(ctx context.Context, query string) any {
		rows, err := conn.Query(ctx, query)
		if err != nil {
			return failure(err)
		}
		for rows.Next() {
		}
		return failure(rows.Err())
	}
	say("unknown table", drain(ctx, "SELECT * FROM no_such_table"))
	say("amid the rows", drain(ctx, "SELECT number, throwIf(number = 2000000) FROM numbers(4000000)"))
	say("amid a raw format", func() any {
		raw, err := conn.QueryFormat(ctx, "JSONEachRow",
			"SELECT number, throwIf(number = 2000000) FROM numbers(4000000)")
		if err != nil {
			return failure(err)
		}
		defer raw.Close()
		read, err := io.Copy(io.Discard, raw)
		return []any{read > 1_000_000, failure(err)}
	}())
	say("refused", drain(ctx, "SELECT * FROM file('/etc/passwd')"))
	say("several", drain(ctx, "SELECT 1; SELECT 2"))
	role := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"role": "nobody"}))
	say("role", drain(role, "SELECT 1"))
	progress := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"send_progress_in_http_headers": 1}))
	say("with progress", drain(progress, "SELECT sleepEachRow(0.05) FROM numbers(10) SETTINGS max_block_size = 1"))
}

// asGrafanaAsks goes through database/sql, as Grafana's data source does, with what it asks to fill its menus.
func asGrafanaAsks(ctx context.Context, options *clickhouse.Options) {
	db := clickhouse.OpenDB(options)
	defer db.Close()
	must(db.PingContext(ctx))
	for _, query := range []string{
		"SELECT timezone()",
		"SELECT name FROM system.databases WHERE name = currentDatabase()",
		"SELECT count() FROM system.columns WHERE database = currentDatabase() AND table LIKE 'go_%'",
		"SELECT toStartOfInterval(toDateTime(1780000000), INTERVAL 60 second) AS time, avg(number) FROM numbers(10) GROUP BY time ORDER BY time",
	} {
		rows, err := db.QueryContext(ctx, query)
		must(err)
		types, err := rows.ColumnTypes()
		must(err)
		count := 0
		for rows.Next() {
			count++
		}
		must(rows.Err())
		rows.Close()
		say("grafana", []any{types[0].DatabaseTypeName(), count})
	}
}
