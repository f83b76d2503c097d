/** One event of a stream. */
export interface ServerEvent {
	type: string;
	data: string;
	/** Where to resume after this event. */
	id: string;
}

/** The longest line or event that is read, in UTF-16 units: more is no highlight. */
const maxEvent = 32 << 20;

/**
 * Reads an event stream as it comes, in chunks cut anywhere (HTML Standard, 9.2.6). Lines end with CR, LF or
 * both; an event ends with an empty line; what follows the last one is not an event yet.
 */
export class EventParser {
	private readonly decoder = new TextDecoder(); // takes off the byte order mark, keeps half a character
	private rest = '';
	private afterCR = false;
	private data: string[] = [];
	private size = 0;
	private type = '';
	private id: string;

	/** How long the server asks to wait before coming back, in milliseconds; null: it did not ask. */
	retry: number | null = null;

	constructor(lastID = '') {
		this.id = lastID;
	}

	/** The events that are complete with these bytes. */
	push(chunk: Uint8Array): ServerEvent[] {
		const events: ServerEvent[] = [];
		let fresh = this.decoder.decode(chunk, { stream: true });
		if (fresh === '') return events;
		if (this.afterCR && fresh.startsWith('\n')) fresh = fresh.slice(1);
		this.afterCR = fresh.endsWith('\r');
		const lines = fresh.split(/\r\n|\r|\n/);
		lines[0] = this.rest + lines[0];
		this.rest = lines.pop() ?? '';
		for (const line of lines) {
			const event = this.line(line);
			if (event) events.push(event);
		}
		if (this.rest.length + this.size > maxEvent) throw new Error('an event of the stream is too long');
		return events;
	}

	private line(line: string): ServerEvent | null {
		if (line === '') return this.dispatch();
		const colon = line.indexOf(':');
		if (colon === 0) return null; // a comment
		const name = colon < 0 ? line : line.slice(0, colon);
		let value = colon < 0 ? '' : line.slice(colon + 1);
		if (value.startsWith(' ')) value = value.slice(1);
		switch (name) {
			case 'event':
				this.type = value;
				break;
			case 'data':
				this.data.push(value);
				this.size += value.length;
				break;
			case 'id':
				if (!value.includes('\0')) this.id = value;
				break;
			case 'retry':
				if (/^[0-9]+$/.test(value)) this.retry = Number(value);
				break;
		}
		return null;
	}

	private dispatch(): ServerEvent | null {
		const event = { type: this.type || 'message', data: this.data.join('\n'), id: this.id };
		const empty = this.data.length === 0;
		this.data = [];
		this.size = 0;
		this.type = '';
		return empty ? null : event;
	}
}
