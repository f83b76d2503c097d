import { Problem, problem } from '../api/client.ts';
import { EventParser, type ServerEvent } from './events.ts';

/** The server says something every 15 s; silence for three times as long is a dead connection. */
const silence = 45_000;

/** Between the first failure and the next attempt at most this long, doubled with each one more, up to the limit. */
const firstPause = 1_000;
const longestPause = 15_000;

export interface StreamOptions {
	/** What to ask for: read at each attempt. */
	request(): { url: string; token: string | null };
	/** Where the last event that was taken in left off; '' is the beginning. */
	cursor: string;
	/** An event, before the next one is read. */
	receive(event: ServerEvent): void;
	/** An attempt failed or a connection broke: nothing is live until the server says so again. */
	lost(cause: unknown): void;
	/** Ends the stream for good. */
	signal: AbortSignal;
	/**
	 * "nudge" ends a pause: there is reason to believe that the server answers again. "doubt" ends a connection: there
	 * is reason to believe that it is dead.
	 */
	nudges: EventTarget;
}

/** Holds a stream open until its signal ends it, resuming after the last event whenever it breaks. */
export async function stream(options: StreamOptions): Promise<void> {
	let { cursor } = options;
	let base = firstPause;
	let failures = 0;
	while (!options.signal.aborted) {
		let pause: number;
		try {
			await connect(options, cursor, (event, retry) => {
				failures = 0;
				base = retry ?? base;
				cursor = event.id;
				options.receive(event);
			});
			pause = fullJitter(base, 0); // the server took leave: it rotates its streams
		} catch (cause) {
			if (options.signal.aborted) return;
			options.lost(cause);
			pause = fullJitter(base, failures++);
			if (cause instanceof Problem) pause = Math.max(pause, (cause.retryAfter ?? 1) * 1_000);
		}
		await sleep(pause, options.signal, options.nudges);
	}
}

/** Up to the base doubled with each failure, chosen evenly, so that a crowd does not come back at once. */
export function fullJitter(base: number, failures: number, random: () => number = Math.random): number {
	return random() * Math.min(longestPause, base * 2 ** failures);
}

/** One connection, until the server ends it. */
async function connect(
	{ request, signal, nudges }: StreamOptions,
	cursor: string,
	receive: (event: ServerEvent, retry: number | null) => void,
): Promise<void> {
	const { url, token } = request();
	const headers: Record<string, string> = { Accept: 'text/event-stream' };
	if (token) headers.Authorization = `Bearer ${token}`;
	if (cursor) headers['Last-Event-ID'] = cursor;
	const watchdog = new Watchdog(silence, nudges);
	try {
		const response = await fetch(url, {
			headers,
			credentials: 'omit',
			cache: 'no-store',
			signal: AbortSignal.any([signal, watchdog.signal]),
		});
		if (!response.ok || !response.body) throw problem(response, await response.text());
		const parser = new EventParser(cursor);
		const reader = response.body.getReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			watchdog.pat();
			for (const event of parser.push(value)) {
				if (!signal.aborted) receive(event, parser.retry);
			}
		}
	} finally {
		watchdog.stop();
	}
}

/** Aborts its signal when it is not patted in time, or when there is doubt. */
class Watchdog {
	private readonly end = new AbortController();
	private timer: ReturnType<typeof setTimeout> | undefined;
	readonly signal = this.end.signal;

	constructor(
		private readonly limit: number,
		doubts: EventTarget,
	) {
		doubts.addEventListener('doubt', () => this.end.abort(new Error('the network has changed')), {
			signal: this.signal,
		});
		this.pat();
	}

	pat(): void {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.end.abort(new Error('the stream fell silent')), this.limit);
	}

	stop(): void {
		clearTimeout(this.timer);
	}
}

function sleep(ms: number, signal: AbortSignal, nudges: EventTarget): Promise<void> {
	return new Promise((resolve) => {
		const awake = new AbortController();
		const wake = () => {
			clearTimeout(timer);
			awake.abort();
			resolve();
		};
		const timer = setTimeout(wake, ms);
		if (signal.aborted) wake();
		signal.addEventListener('abort', wake, { signal: awake.signal });
		nudges.addEventListener('nudge', wake, { signal: awake.signal });
	});
}
