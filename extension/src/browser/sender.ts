import { type Client, Problem, Unreachable } from '../api/client.ts';
import { isFileChange, type Operation, outcome } from '../api/operations.ts';
import type { PageEvent } from '../api/shapes.ts';
import type { Queue } from './queue.ts';

/** After a failure it tries again by itself: first after so long, each time twice as long, in milliseconds. */
const firstPause = 1_000;
const longestPause = 30_000;

/** How many changes go in one request: the server's limit. */
const most = 100;

/** What becomes of what is sent. */
export interface Receiver {
	/** A change is done. */
	done(operation: Operation, event: PageEvent): void;
	/** What is kept for a page is not what it was. */
	changed(url: string): void;
	/** The server answers. */
	answered(): void;
	/** The server knows the token no more. */
	refused(): Promise<void>;
}

/** A page that waits for what becomes of its change. */
interface Waiting {
	resolve: (event: PageEvent | null) => void;
	reject: (cause: unknown) => void;
}

/**
 * Sends what is in the queue, in its order, through POST /operations, which does each once however often it is sent.
 * What is refused goes back to the page that waits for it, or else stays in the queue, to be shown.
 */
export class Sender {
	private readonly waiting = new Map<string, Waiting>();
	private running: Promise<void> | null = null;
	private again = false;
	private failures = 0;
	private timer: ReturnType<typeof setTimeout> | undefined;

	constructor(
		private readonly queue: Queue,
		private readonly identity: () => Promise<{ client: Client; account: string } | null>,
		private readonly upload: (operation: Operation) => Promise<PageEvent>,
		private readonly receiver: Receiver,
	) {}

	/** Keeps a change and sends it; null: it waits in the queue. It fails if the server refuses it now. */
	async perform(operation: Operation, file?: Blob): Promise<PageEvent | null> {
		const who = await this.identity();
		if (!who) throw new Problem(401, 'unauthenticated', '', null);
		const answer = new Promise<PageEvent | null>((resolve, reject) => {
			this.waiting.set(operation.id, { resolve, reject });
		});
		await this.queue.add(operation, who.account, file);
		void this.flush();
		return answer;
	}

	/** Sends what waits, as far as the server takes it. */
	flush(): Promise<void> {
		this.again = true;
		this.running ??= this.run();
		return this.running;
	}

	private async run(): Promise<void> {
		while (this.again) {
			this.again = false;
			clearTimeout(this.timer);
			const cause = await this.drain();
			if (cause === null) {
				this.failures = 0;
				continue;
			}
			// The worker may be ended before that: then an alarm or the stream that is live again has it sent.
			const pause = Math.min(longestPause, firstPause * 2 ** this.failures++);
			const asked = cause instanceof Problem ? (cause.retryAfter ?? 0) * 1_000 : 0;
			this.timer = setTimeout(() => void this.flush(), Math.max(pause, asked));
			// Whoever still waits learns that it is kept. One who is not known any more has to say first who it is.
			const unknown = cause instanceof Problem && cause.status === 401;
			const waiting = [...this.waiting];
			this.waiting.clear();
			for (const [id, { resolve, reject }] of waiting) {
				if (unknown) await this.queue.remove(id);
				if (unknown) reject(cause);
				else resolve(null);
			}
			if (unknown) await this.receiver.refused();
		}
		this.running = null;
	}

	/** Sends until nothing waits: null, or why it ended before. */
	private async drain(): Promise<unknown> {
		let limit = most;
		for (;;) {
			const who = await this.identity();
			const next = who ? await this.queue.next(who.account, limit) : [];
			const [first] = next;
			if (!who || !first) return null;
			const files = next.findIndex(({ change }) => isFileChange(change));
			const batch = files === 0 ? [first] : next.slice(0, files < 0 ? most : files);
			try {
				if (files === 0) {
					await this.settle(first, await this.sendFile(who.client, first));
					continue;
				}
				const results = await who.client.sendOperations(batch);
				this.receiver.answered();
				for (const operation of batch) {
					const result = results.get(operation.id);
					if (result === undefined) return new Unreachable('an operation was not answered');
					if (result instanceof Problem && (result.status >= 500 || result.status === 401)) return result;
					await this.settle(operation, result);
				}
			} catch (cause) {
				const whole = cause instanceof Problem && ![401, 408, 429].includes(cause.status) && cause.status < 500;
				if (!whole) {
					for (const url of new Set(batch.map(({ url }) => url))) this.receiver.changed(url);
					return cause;
				}
				// The request as a whole was refused: one by one, only the one at fault is.
				if (batch.length > 1) limit = 1;
				else await this.settle(first, cause);
			}
		}
	}

	/** A file goes by itself. One that is gone already was to go. */
	private async sendFile(client: Client, operation: Operation): Promise<PageEvent> {
		if (operation.change.kind === 'attach') return this.upload(operation);
		try {
			return await client.perform(operation);
		} catch (cause) {
			if (cause instanceof Problem && cause.status === 404) return outcome(operation.change, null);
			throw cause;
		}
	}

	private async settle(operation: Operation, result: unknown): Promise<void> {
		const { id, url, change } = operation;
		const waiting = this.waiting.get(id);
		this.waiting.delete(id);
		if (result instanceof Problem) {
			if (waiting) await this.queue.remove(id);
			else await this.queue.refuse(id, { code: result.code, detail: result.detail });
			waiting?.reject(result);
			return this.receiver.changed(url);
		}
		await this.queue.remove(id);
		const event = isFileChange(change) ? (result as PageEvent) : outcome(change, result);
		this.receiver.done(operation, event);
		if (waiting) waiting.resolve(event);
		else this.receiver.changed(url);
	}
}
