// Keeps a page true while it is read: the stream says that something has changed, and the page reads itself again. What it
// shows is made in one place, the server, and is the same as after a reload. Without this script that is how to see it.
import { become } from './become.js';
import { tellTimes } from './times.js';

const regions = [...document.querySelectorAll('[data-live]')];
const streams = regions.map(({ dataset }) => dataset.stream).filter(Boolean);
const { path: address } = document.getElementById('main').dataset; // the answer to a form has another address than the page it is
const least = 200; // milliseconds between two readings: more, the longer one takes and the more people read along
const patience = 4000; // milliseconds until one is told that the page is not live
let readers = 1;
let cost = 0;
let waiting = false;
let again = false;

/** Reads the page again before long, once for all that happens until then. */
async function readSoon() {
	if (waiting) {
		again = true;
		return;
	}
	waiting = true;
	do {
		await new Promise((done) => setTimeout(done, least + 4 * cost + Math.random() * 20 * readers));
		again = false;
		const began = performance.now();
		await readAgain();
		cost = performance.now() - began;
	} while (again);
	waiting = false;
}

async function readAgain() {
	try {
		const answer = await fetch(address, { headers: { Accept: 'text/html', Prefer: 'wait=10' } });
		if (answer.status === 404 || answer.redirected) return location.replace(address);
		if (!answer.ok) return;
		const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
		for (const region of regions) {
			const next = fresh.getElementById(region.id);
			if (next) become(region, next);
		}
		tellTimes();
	} catch {
		// The server does not answer; the stream says when it does again.
	}
}

/** Says who reads along. */
function here({ viewers, anonymous }) {
	readers = viewers.length + anonymous;
	const line = document.getElementById('here');
	if (!line) return;
	const { self } = line.dataset;
	const others = viewers.filter(({ id }) => id !== self).map(({ name }) => name);
	const nameless = Math.max(0, anonymous - (self ? 0 : 1));
	if (nameless) others.push(`${nameless} ${others.length ? 'other' : 'other reader'}${nameless === 1 ? '' : 's'}`);
	const last = others.pop();
	line.textContent = last ? `Here now: ${others.length ? `${others.join(', ')} and ` : ''}${last}.` : 'Nobody else is here now.';
}

const ended = new Set(); // the streams that have ended and not begun anew
let telling;

/** Says that the page is not live, unless that is over in a moment: streams end and begin anew all day. */
function tellBreak() {
	const line = document.getElementById('away');
	if (ended.size) {
		telling ??= setTimeout(() => (line.textContent = 'Not live at the moment. limn tries again by itself.'), patience);
		return;
	}
	clearTimeout(telling);
	telling = undefined;
	line.textContent = '';
}

/** Follows the stream. EventSource comes back by itself after a break, but gives up for good after an answer such as a 502. */
function follow(path, last, pause) {
	const url = new URL(path, location.href);
	if (last) url.searchParams.set('last_event_id', last);
	const stream = new EventSource(url);
	const on = (name, then) =>
		stream.addEventListener(name, (event) => {
			last = event.lastEventId || last;
			then(event);
		});
	for (const name of ['highlight', 'reply', 'removed', 'resync', 'popular']) on(name, () => readSoon());
	on('live', () => {
		pause = 1000;
		document.documentElement.dataset.live = 'yes';
	});
	on('presence', ({ data }) => here(JSON.parse(data)));
	stream.addEventListener('open', () => {
		ended.delete(path);
		tellBreak();
	});
	stream.addEventListener('error', () => {
		document.documentElement.dataset.live = 'no';
		ended.add(path);
		tellBreak();
		if (stream.readyState !== EventSource.CLOSED) return;
		setTimeout(() => follow(path, last, Math.min(2 * pause, 60_000)), pause * (0.5 + Math.random()));
	});
	// A page that is kept for the way back must not hold a stream; when it is shown again it is out of date.
	addEventListener('pagehide', () => stream.close(), { once: true });
}

for (const path of streams) follow(path, '', 1000);

addEventListener('pageshow', ({ persisted }) => persisted && location.reload());

// What the stream does not tell of: a page that was not in the list before, a flag, a new member.
const every = Math.min(...regions.map(({ dataset }) => Number(dataset.every ?? Infinity)));
if (Number.isFinite(every)) {
	const readIfSeen = () => document.visibilityState === 'visible' && readSoon();
	setInterval(readIfSeen, every * 1000);
	document.addEventListener('visibilitychange', readIfSeen);
}
