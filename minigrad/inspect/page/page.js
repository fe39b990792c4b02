"use strict";
// Python recorded and laid out; here things are drawn once, and then only what a step changes.
(async () => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, text = "", name = "") => {
    const found = document.createElement(tag);
    if (text !== "") found.textContent = text;
    if (name) found.className = name;
    return found;
  };
  const draw = (tag, attributes, parent) => {
    const found = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
    if (parent) parent.append(found);
    return found;
  };
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  async function unpack() {
    const packed = new Blob([bytes($("data").textContent)]).stream();
    return JSON.parse(await new Response(packed.pipeThrough(new DecompressionStream("deflate"))).text());
  }

  // A gradient's picture: sizes in cells, or a histogram.
  function picture(data, caption) {
    const figure = make("figure");
    let said = "";
    if (data && data.cells) {
      const svg = draw("svg", { class: "cells", viewBox: `0 0 ${data.columns} ${data.rows}`, role: "img",
        preserveAspectRatio: "none", "aria-label": `mean sizes of ${caption}, the largest ${data.high}` }, figure);
      bytes(data.cells).forEach((size, i) => {
        draw("rect", { x: i % data.columns, y: Math.floor(i / data.columns), width: 1, height: 1,
          "fill-opacity": (size / 255).toFixed(3) }, svg);
      });
      said = `${caption}: mean |g|, full colour ${data.high}`;
    } else if (data && data.bars) {
      const most = Math.max(...data.bars);
      const svg = draw("svg", { class: "bars", viewBox: `0 0 ${data.bars.length} 1`, role: "img",
        preserveAspectRatio: "none", "aria-label": `histogram of ${caption}, from ${data.low} to ${data.high}` }, figure);
      data.bars.forEach((count, i) => {
        draw("rect", { x: i + 0.05, y: 1 - count / most, width: 0.9, height: count / most }, svg);
      });
      said = `${caption}: its values, ${data.low} to ${data.high}`;
    } else return null;
    figure.append(make("figcaption", said));
    return figure;
  }

  function table(headings, rows, numeric = 1) {
    const found = make("table");
    const head = found.createTHead().insertRow();
    headings.forEach((text, i) => head.append(make("th", text, i >= numeric ? "n" : "")));
    const body = found.createTBody();
    for (const cells of rows) {
      const row = body.insertRow();
      cells.forEach((text, i) => row.append(make("td", text, i >= numeric ? "n" : "")));
    }
    return found;
  }

  class Pass {
    constructor(data, two) {
      this.data = data;
      this.at = 0;
      this.count = data.steps.length;
      this.root = make("section", "", "pass");
      if (two) this.root.append(make("h2", data.name));
      this.graph = make("div", "", "graph");
      this.panel = make("div", "", "panel");
      this.details = make("div", "", "panel");
      this.root.append(this.graph, this.details, this.panel);
      this.number = new Map(data.steps.map((step, i) => [step.node, i + 1]));
      this.boxOf = new Map();
      this.events = Array.from({ length: this.count + 1 }, () => []);
      this.drawGraph();
      this.drawLedger();
      this.drawLengths();
    }

    drawGraph() {
      const { width, height, boxes, edges, arcs, box: [w, h] } = this.data.drawing;
      const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
        "aria-label": `the graph: ${boxes.length} boxes in forward order, ${arcs.length} skips` }, this.graph);
      for (const edge of edges) {
        const path = draw("path", { class: "edge", d: edge.d, "data-from": edge.from }, svg);
        this.events[edge.at].push(path);
      }
      for (const arc of arcs) {
        const path = draw("path", { class: "arc", d: arc.d, "data-row": arc.row }, svg);
        draw("title", {}, path).textContent = `skip of ${this.data.ledger[arc.row].name}`;
        this.events[arc.at].push(path);
      }
      for (const box of boxes) {
        const group = draw("g", { class: "box", "data-node": box.nodes.join(" ") }, svg);
        draw("rect", { x: box.x, y: box.y, width: w, height: h, rx: 4 }, group);
        const text = draw("text", { x: box.x + 8, y: box.y + 16 }, group);
        const fits = Math.max(4, 36 - box.label.length);
        text.textContent = box.label.length > 38 ? "…" + box.label.slice(-37) : box.label;
        const of = draw("tspan", { class: "of", dx: 8 }, text);
        of.textContent = box.module.length > fits ? "…" + box.module.slice(1 - fits) : box.module;
        draw("title", {}, group).textContent = `${box.label} ${box.module}`;
        const steps = box.nodes.map((name) => this.number.get(name)).filter(Boolean);
        group.addEventListener("click", () => steps.length && this.asked(Math.min(...steps)));
        for (const name of box.nodes) this.boxOf.set(name, group);
      }
    }

    drawLedger() {
      const rows = this.data.ledger;
      this.panel.append(make("h3", "Ledger: what came back to each fork"));
      if (!rows.length) {
        this.panel.append(make("p", "There is no skip connection in this net.", "soft"));
        return;
      }
      const shown = table(["fork of", "over the skip", "by the branch", "together", "skip's share"],
        rows.map((row) => [row.name, "", "", "", ""]));
      shown.classList.add("ledger");
      this.rows = [...shown.tBodies[0].rows];
      this.rows.forEach((line, i) => {
        const row = rows[i];
        line.tabIndex = 0;
        line.dataset.row = i;
        line.setAttribute("aria-label", `${row.name}: ${row.sentence}`);
        line.addEventListener("click", () => row.at.merged && this.asked(row.at.merged));
        [[row.at.skip, 1, row.skip], [row.at.branch, 2, row.branch], [row.at.merged, 3, row.both],
          [row.at.merged, 4, row.share]].forEach(([at, cell, text]) => {
          if (at) this.events[at].push({ cell: line.cells[cell], text });
        });
      });
      this.panel.append(shown);
    }

    drawLengths() {
      const { rows, why, mean } = this.data.lengths;
      this.panel.append(make("h3", "Path lengths: the gradient of the first fork, by branches crossed"));
      if (!rows.length) {
        this.panel.append(make("p", `Not here: ${why}.`, "soft"));
        return;
      }
      const shown = table(["branches", "routes", "|gradient|", "share"], rows.map((row) => [
        row[0], row[1], row[2], row[3] === null ? "-" : `${(100 * row[3]).toFixed(1)} %`]), 0);
      [...shown.tBodies[0].rows].forEach((line, i) => {
        const share = rows[i][3] || 0;
        const bar = make("span", "", share < 0 ? "bar less" : "bar");
        bar.style.width = `${Math.min(120, Math.abs(share) * 80)}px`;
        line.append(make("td"));
        line.lastChild.append(bar);
      });
      this.panel.append(shown, make("p", `The shares sum to 1; mean length ${mean}. Below 0: against the sum.`, "soft"));
    }

    // From one step to another only what lies between them is touched.
    go(to) {
      const from = this.at;
      const [low, high] = [Math.min(from, to), Math.max(from, to)];
      const lit = to > from;
      const changed = new Set();
      for (let i = low + 1; i <= high; i++) {
        for (const what of this.events[i]) {
          if (what.cell) what.cell.textContent = lit ? what.text : "";
          else what.classList.toggle("lit", lit);
        }
        changed.add(this.boxOf.get(this.data.steps[i - 1].node));
      }
      if (from) changed.add(this.boxOf.get(this.data.steps[from - 1].node));
      this.at = to;
      const here = this.boxOf.get(this.data.steps[to - 1].node);
      changed.add(here);
      for (const box of changed) {
        const done = box.dataset.node.split(" ").some((name) => (this.number.get(name) || Infinity) <= to);
        box.classList.toggle("done", done);
        box.classList.toggle("here", box === here);
      }
      if (from && this.rows) this.mark(from, false);
      if (this.rows) this.mark(to, true);
      const y = Number(here.querySelector("rect").getAttribute("y"));
      if (y < this.graph.scrollTop + 40 || y > this.graph.scrollTop + this.graph.clientHeight - 70)
        this.graph.scrollTop = y - this.graph.clientHeight / 2;
      this.describe(this.data.steps[to - 1], to);
    }

    touching(step) {
      return this.data.ledger.map((row, i) => [row, i])
        .filter(([row]) => [row.at.skip, row.at.branch, row.at.other, row.at.merged].includes(step));
    }

    mark(step, here) {
      for (const [, i] of this.touching(step)) {
        const row = this.rows[i];
        row.classList.toggle("here", here);
        const [inside, outside] = [row.getBoundingClientRect(), this.panel.getBoundingClientRect()];
        if (here && (inside.top < outside.top || inside.bottom > outside.bottom))
          this.panel.scrollTop += inside.top - outside.top - this.panel.clientHeight / 2;
      }
    }

    describe(step, number) {
      const all = this.details;
      all.replaceChildren(make("h3", `${step.node}${step.module ? ` in ${step.module}` : ""}`));
      if (step.line) all.append(make("p", step.line, "line"));
      if (step.wrong) all.append(make("p", `The gradient that arrives is: ${step.wrong}.`));
      all.append(table(["gradient", "shape", "norm", ""], [
        ...step.came.map(([name, shape, norm]) => [name, shape, norm, "arrives"]),
        ...step.sent.map(([name, shape, norm]) => [name, shape, norm, "is sent on"])]));
      const shown = picture(step.picture, step.came[0][0]);
      if (shown) all.append(shown);
      for (const [row] of this.touching(number)) this.describeFork(row, number);
      const rule = this.data.rules[step.kind];
      if (rule) {
        const source = make("details");
        source.open = this.open !== false;
        source.addEventListener("toggle", () => { this.open = source.open; });
        source.append(make("summary", `${step.kind}.backward`), make("pre", rule));
        all.append(source);
      }
    }

    describeFork(row, number) {
      const all = this.details;
      const { skip, branch, merged } = row.at;
      all.append(make("h3", `The fork of ${row.name}`));
      const come = (at) => at && number >= at;
      const parts = [["over the skip", skip, row.skip, "skip"], ["by the branch", branch, row.branch, "branch"]];
      all.append(table(["before they merge", "norm"], parts.map(([way, at, norm]) => [
        way, come(at) ? norm : at ? `comes at step ${at}` : "nothing comes"])));
      if (number >= merged && merged) {
        const other = row.other === null ? "" : `; past this pair came ${row.other}`;
        all.append(make("p", `After: norm ${row.both}, cosine between the two ${row.cosine}${other}. ${row.sentence}`));
      }
      for (const [caption, at, , name] of [...parts, ["merged", merged, "", "both"]]) {
        const shown = come(at) ? picture(row.pictures[name], caption) : null;
        if (shown) all.append(shown);
      }
    }
  }

  // The norm of every step, above each other where two passes are shown.
  function drawChart(passes, follow) {
    const first = passes[0];
    const curves = [first.data.steps.map((step) => step.log)];
    if (passes.length > 1) curves.push(follow.map((n) => passes[1].data.steps[n - 1].log));
    const known = curves.flat().filter((log) => log !== null);
    const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
    const svg = draw("svg", { viewBox: `0.5 0 ${first.count} 1`, preserveAspectRatio: "none", role: "img",
      "aria-label": "norm of the gradient at each step" }, $("chart"));
    const ends = `from ${(10 ** low).toPrecision(2)} to ${(10 ** high).toPrecision(2)}`;
    const place = (log) => 0.95 - 0.9 * (log - low) / (high - low || 1);
    curves.forEach((logs, i) => {
      let d = "", down = false;
      logs.forEach((log, k) => {
        if (log !== null) d += `${down ? "L" : "M"}${k + 1} ${place(log).toFixed(3)}`;
        down = log !== null;
      });
      draw("path", { class: i ? "chart other" : "chart", d }, svg);
    });
    for (const stop of first.data.stops) draw("line", { class: "mark", x1: stop, x2: stop, y1: 0, y2: 1 }, svg);
    $("chart").append(make("p", `|gradient| at each step, ${ends}, logarithmic`
      + (passes.length > 1 ? `; solid: ${first.data.name}, dashed: ${passes[1].data.name} at the same module` : ""),
    "soft"));
    return draw("line", { class: "cursor", x1: 1, x2: 1, y1: 0, y2: 1 }, svg);
  }

  const data = await unpack();
  const passes = data.passes.map((part) => new Pass(part, data.passes.length > 1));
  $("passes").append(...passes.map((part) => part.root));
  document.body.classList.toggle("two", passes.length > 1);
  const { count, data: { steps, stops, condition, silent, label } } = passes[0];
  const cursor = drawChart(passes, data.follow);
  const notes = [];
  if (label) notes.push(label + ".");
  if (condition) notes.push(stops.length
    ? `${condition} held at ${stops.length} of ${count} steps, first at step ${stops[0]}.` : `${condition} never held.`);
  if (silent > 0) notes.push(`${silent} nodes got no gradient.`);
  if (data.left.length) notes.push(`Left out to keep to the budget: ${data.left.join(", ")}.`);
  $("notes").textContent = notes.join(" ");
  const slider = $("slider");
  slider.max = count;
  let at = 0, timer = null;
  const inFrame = location.protocol === "about:";  // a notebook's frame has no address of its own

  function show(step) {
    at = step;
    slider.value = step;
    passes[0].go(step);
    if (passes[1]) passes[1].go(data.follow[step - 1]);
    $("step").textContent = `${step} of ${count}`;
    $("node").textContent = steps[step - 1].node;
    slider.setAttribute("aria-valuetext", `step ${step} of ${count}, ${steps[step - 1].node}`);
    cursor.setAttribute("x1", step);
    cursor.setAttribute("x2", step);
  }

  // Where a user goes is a place in the browser's history, so its back button undoes; what plays by is not.
  function go(step, remember = true) {
    const to = Math.max(1, Math.min(count, step));
    if (to === at) return;
    show(to);
    if (inFrame) return;
    if (remember) history.pushState(null, "", `#step=${to}`);
    else history.replaceState(null, "", `#step=${to}`);
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    $("play").textContent = "Play";
    $("play").setAttribute("aria-label", "play");
  }

  function play() {
    if (timer) return pause();
    if (at === count) go(1);
    $("play").textContent = "Pause";
    $("play").setAttribute("aria-label", "pause");
    timer = setInterval(() => {
      go(at + 1, false);
      if (at === count || stops.includes(at)) pause();
    }, Math.max(60, Math.min(600, 30000 / count)));
  }

  const user = (step) => { pause(); go(step); };
  passes[0].asked = user;
  if (passes[1]) passes[1].asked = (step) => {
    const found = data.follow.findIndex((n) => n >= step);
    user(found < 0 ? count : found + 1);
  };
  $("first").onclick = () => user(1);
  $("back").onclick = () => user(at - 1);
  $("forward").onclick = () => user(at + 1);
  $("last").onclick = () => user(count);
  $("play").onclick = play;
  $("stop").hidden = !stops.length;
  $("stop").onclick = () => user(stops.find((step) => step > at) || stops[0]);
  slider.oninput = () => user(Number(slider.value));
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const row = event.target.closest("tr[tabindex]");
    if (row && event.key === "Enter") return row.click();
    const steps = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 1, End: count };
    if (event.key in steps) user(steps[event.key]);
    else if (event.key === " " && event.target.tagName !== "SUMMARY") play();
    else return;
    event.preventDefault();
  });
  // A button that has the focus would be pressed as the space key comes up.
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && event.target.tagName === "BUTTON") event.preventDefault();
  });
  const asked = () => {
    const found = /^#step=(\d+)$/.exec(location.hash);
    return Math.max(1, Math.min(count, found ? Number(found[1]) : 1));
  };
  window.addEventListener("popstate", () => { pause(); if (asked() !== at) show(asked()); });
  show(asked());
  document.documentElement.dataset.ready = "yes";
})();
