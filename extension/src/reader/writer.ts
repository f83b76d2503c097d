import { Problem } from '../api/client.ts';
import { type Change, type Operation, subject } from '../api/operations.ts';
import type { PageEvent } from '../api/shapes.ts';
import { newID } from '../page/url.ts';
import { Pending } from '../state/pending.ts';
import type { Against } from '../ui/composer.ts';
import { say } from '../ui/say.ts';
import { failure } from '../ui/words.ts';
import type { Remote } from './remote.ts';

/**
 * What a reader changes on its page: shown at once, then sent, each highlight's changes one after the other. What the
 * server refuses is taken back, and what it does not answer may be kept for later.
 */
export class Writer {
	readonly pending = new Pending();
	private readonly turns = new Map<string, Promise<unknown>>();

	constructor(
		private readonly url: string,
		private readonly request: Remote['perform'],
		private readonly on: { changed: (highlight: string) => void; told: (event: PageEvent) => void },
	) {}

	/** Shows a change as done before it is sent. */
	begin(change: Change): Operation {
		const operation = { id: newID(), url: this.url, at: new Date().toISOString(), change };
		this.pending.begin(operation);
		this.on.changed(subject(change));
		return operation;
	}

	/** Takes a change back that was not sent. */
	drop(operation: Operation): void {
		this.pending.end(operation);
		this.on.changed(subject(operation.change));
	}

	/** Sends a change. It fails as the request does, and is shown no more then. */
	async send(operation: Operation, file?: Blob): Promise<void> {
		const id = subject(operation.change);
		const before = this.turns.get(id) ?? Promise.resolve();
		const turn = before.then(
			() => this.request(operation, file),
			() => this.request(operation, file),
		);
		this.turns.set(id, turn);
		try {
			const event = await turn;
			if (event) this.pending.end(operation);
			else this.pending.wait(operation);
			if (event) this.on.told(event);
		} catch (cause) {
			this.pending.end(operation);
			throw cause;
		} finally {
			if (this.turns.get(id) === turn) this.turns.delete(id);
			this.on.changed(id);
		}
	}

	perform(change: Change, file?: Blob): Promise<void> {
		return this.send(this.begin(change), file);
	}

	/** Puts files on a highlight or on a reply, one after the other, and says which could not be. */
	async attach(highlight: string, reply: string | null, files: readonly File[]): Promise<string[]> {
		const each = files.map(async (blob) => {
			const file = { id: newID(), name: blob.name, type: blob.type, size: blob.size };
			try {
				await this.perform({ kind: 'attach', highlight, reply, file }, blob);
				return [];
			} catch (cause) {
				return [say('notAttached', blob.name, failure(cause))];
			}
		});
		return (await Promise.all(each)).flat();
	}

	/** Makes a change; null when it is done or kept, else what stands against it. */
	async attempt(change: Change): Promise<Against | null> {
		try {
			await this.perform(change);
			return null;
		} catch (cause) {
			return { words: failure(cause), stale: cause instanceof Problem && cause.code === 'stale_version' };
		}
	}
}
