"use strict";
/* The filter: by name, by verdict and by time. Groups without a match are hidden. */
(function () {
	const form = document.getElementById("filter");
	const none = document.getElementById("none");

	function wanted(row) {
		const name = form.name.value.trim().toLowerCase();
		const kind = form.kind.value;
		const least = parseFloat(form.least.value) || 0;

		return row.dataset.name.toLowerCase().includes(name) &&
			(kind === "" || row.dataset.kind === kind ||
			 (kind === "unexpected" && "unexpected" in row.dataset)) &&
			parseFloat(row.dataset.seconds) >= least;
	}

	function apply() {
		let all = 0;

		for (const group of document.querySelectorAll(".group")) {
			let count = 0;

			for (const row of group.querySelectorAll("tbody tr")) {
				row.hidden = !wanted(row);
				count += row.hidden ? 0 : 1;
			}
			group.hidden = count === 0;
			group.querySelector(".count").textContent = count;
			if (form.name.value !== "" || form.kind.value !== "")
				group.open = count > 0;
			all += count;
		}
		none.hidden = all > 0;
	}

	form.hidden = false;
	form.addEventListener("input", apply);
	form.addEventListener("submit", function (event) { event.preventDefault(); });
})();
