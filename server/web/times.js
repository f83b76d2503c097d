// Keeps relative times true, and says the exact ones as the reader writes them.
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'long', timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** How long ago that was, in the words of the server (server/web_words.go). */
function ago(then) {
	const seconds = Math.max(0, (Date.now() - then) / 1000);
	if (seconds < 60) return 'now';
	if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
	if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
	const days = Math.floor(seconds / 86_400);
	if (days < 7) return days === 1 ? '1 day ago' : `${days} days ago`;
	return day.format(then);
}

export function tellTimes(root = document) {
	for (const time of root.querySelectorAll('time[datetime]')) {
		const then = new Date(time.dateTime);
		time.title = exact.format(then);
		if (time.textContent !== ago(then)) time.textContent = ago(then);
	}
}

tellTimes();
setInterval(tellTimes, 30_000);
