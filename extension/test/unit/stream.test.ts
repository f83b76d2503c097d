import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Problem } from '../../src/api/client.ts';
import type { ServerEvent } from '../../src/stream/events.ts';
import { fullJitter, stream } from '../../src/stream/stream.ts';

/** A server that answers each request in turn as told, and what it was asked. */
async function serve(...answers: ((response: ServerResponse) => void)[]) {
	const asked: IncomingMessage[] = [];
	const server = createServer((request, response) => {
		asked.push(request);
		answers[asked.length - 1]?.(response);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	onTestFinished(() => {
		server.closeAllConnections();
		server.close();
	});
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked };
}

function events(text: string) {
	return (response: ServerResponse) => {
		response.writeHead(200, { 'Content-Type': 'text/event-stream' });
		response.write(text);
	};
}

/** Follows a stream until its nth event. */
async function follow(url: string, count: number) {
	const end = new AbortController();
	const nudges = new EventTarget();
	const received: ServerEvent[] = [];
	const lost: unknown[] = [];
	await stream({
		request: () => ({ url, token: 'secret' }),
		cursor: '',
		receive: (event) => {
			if (received.push(event) === count) end.abort();
		},
		lost: (cause) => {
			lost.push(cause);
			setTimeout(() => nudges.dispatchEvent(new Event('nudge')));
		},
		signal: end.signal,
		nudges,
	});
	return { received, lost };
}

test('a broken stream is resumed after its last event', async () => {
	const { url, asked } = await serve((response) => {
		events('id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: half')(response);
		setTimeout(() => response.destroy(), 20);
	}, events('id: 3\ndata: c\n\n'));
	const { received, lost } = await follow(url, 3);
	expect(received.map(({ data }) => data)).toEqual(['a', 'b', 'c']);
	expect(lost).toHaveLength(1);
	expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '2']);
	expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret', 'Bearer secret']);
});

test('a stream that the server ends in good order is not lost', async () => {
	const { url } = await serve(
		(response) => response.writeHead(200).end('retry: 1\nid: 1\ndata: a\n\n'),
		events('id: 2\ndata: b\n\n'),
	);
	const { received, lost } = await follow(url, 2);
	expect(received.map(({ data }) => data)).toEqual(['a', 'b']);
	expect(lost).toEqual([]);
});

test('a proxy’s 502 is only a failure, and a refusal says why', async () => {
	const { url } = await serve(
		(response) => response.writeHead(502).end('<h1>Bad gateway</h1>'),
		(response) =>
			response
				.writeHead(401, { 'Content-Type': 'application/problem+json' })
				.end(JSON.stringify({ code: 'unauthorized', detail: 'no such token' })),
		events('data: a\n\n'),
	);
	const { received, lost } = await follow(url, 1);
	expect(received).toHaveLength(1);
	expect(lost[0]).not.toBeInstanceOf(Problem);
	expect(lost[1]).toMatchObject({ status: 401, code: 'unauthorized', detail: 'no such token' });
});

test('pauses grow up to their limit and are spread evenly', () => {
	expect(fullJitter(1000, 0, () => 1)).toBe(1000);
	expect(fullJitter(1000, 3, () => 1)).toBe(8000);
	expect(fullJitter(1000, 30, () => 1)).toBe(15_000);
	expect(fullJitter(1000, 30, () => 0)).toBe(0);
});
