// Charts drawn from their tables: the table says everything, the drawing shows it. A click on a mark opens its list.
import * as echarts from "echarts/core";
import { BarChart, HeatmapChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([BarChart, HeatmapChart, LineChart, AriaComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

const drawn = new Map();
let board;

/** The colours of the page as they are now: light, dark, or ink on paper. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: token("ink"),
    muted: token("muted"),
    faint: token("faint"),
    line: token("line"),
    card: token("card"),
    accent: token("accent"),
    wash: token("accent-wash"),
    red: token("red"),
    orange: token("orange"),
    blue: token("blue"),
    font: style.fontFamily,
  };
}

/** A table as rows of cells with value and address, and the columns that are drawn. */
function read(figure) {
  const table = figure.querySelector("table");
  if (!table) return { rows: [], series: [] };
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows].map((row) => {
    const [name, ...cells] = [...row.cells];
    return {
      name: name.textContent.trim(),
      at: name.dataset.at,
      cells: cells.map((cell) => ({
        value: Number(cell.dataset.value ?? cell.textContent.replace(/\s/g, "")) || 0,
        href: cell.querySelector("a")?.href,
      })),
    };
  });
  const series = heads.map((head, place) => ({ name: head.textContent.trim(), place: place - 1, kind: head.dataset.series }));
  return { rows, series: series.filter((each) => each.kind !== undefined) };
}

const text = (c) => ({ color: c.muted, fontFamily: c.font, fontSize: 12 });

const frame = (c) => ({
  animationDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 300,
  textStyle: { fontFamily: c.font },
  // Drawn, not HTML: the pages allow no styles but their own.
  tooltip: { renderMode: "richText", backgroundColor: c.card, borderColor: c.line, textStyle: { color: c.ink, fontFamily: c.font, fontSize: 13 }, confine: true },
  aria: { enabled: false },
  grid: { left: 8, right: 16, top: 34, bottom: 4, containLabel: true },
});

const legend = (c) => ({ top: 0, left: 0, itemWidth: 22, textStyle: text(c), icon: undefined });
const axis = (c) => ({ axisLabel: text(c), axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false }, splitLine: { lineStyle: { color: c.line } } });
const marks = (row, place) => ({ value: row.cells[place].value, href: row.cells[place].href });

const DRAW = {
  burnup({ rows, series }, c) {
    const looks = [
      { color: c.ink, type: "solid", symbol: "circle" },
      { color: c.accent, type: [6, 4], symbol: "diamond" },
    ];
    return {
      ...frame(c),
      grid: { ...frame(c).grid, right: 96 },
      tooltip: { ...frame(c).tooltip, trigger: "axis" },
      xAxis: { type: "time", ...axis(c), splitLine: { show: false }, axisLabel: { ...text(c), hideOverlap: true } },
      yAxis: { type: "value", minInterval: 1, ...axis(c) },
      series: series.map((each, index) => ({
        name: each.name,
        type: "line",
        symbol: looks[index].symbol,
        symbolSize: 6,
        showSymbol: rows.length < 40,
        lineStyle: { width: 2.5, color: looks[index].color, type: looks[index].type },
        itemStyle: { color: looks[index].color },
        // What was found is never less than what was verified: its label stands above, also where both end alike.
        endLabel: { show: true, offset: [0, index ? 9 : -9], formatter: (mark) => `${each.name} ${mark.value[1]}`, color: looks[index].color, fontFamily: c.font, fontSize: 12 },
        data: rows.map((row) => ({ value: [row.at, row.cells[each.place].value], href: row.cells[each.place].href })),
      })),
    };
  },

  ageing({ rows, series }, c) {
    const fills = [c.ink, c.orange, c.accent];
    const patterns = [
      null,
      { symbol: "rect", rotation: Math.PI / 4, color: c.card, dashArrayX: [1, 0], dashArrayY: [3, 4] },
      { symbol: "circle", symbolSize: 0.7, color: c.card },
    ];
    return {
      ...frame(c),
      legend: legend(c),
      tooltip: { ...frame(c).tooltip, trigger: "axis", axisPointer: { type: "none" } },
      xAxis: { type: "category", data: rows.map((row) => row.name), ...axis(c) },
      yAxis: { type: "value", minInterval: 1, ...axis(c) },
      series: series.map((each, index) => ({
        name: each.name,
        type: "bar",
        stack: "all",
        barMaxWidth: 64,
        itemStyle: { color: fills[index], decal: patterns[index] ?? undefined, borderColor: c.card, borderWidth: 1 },
        data: rows.map((row) => marks(row, each.place)),
      })),
    };
  },

  heat({ rows, series }, c) {
    const most = Math.max(1, ...rows.flatMap((row) => row.cells.map((cell) => cell.value)));
    return {
      ...frame(c),
      grid: { left: 8, right: 8, top: 8, bottom: 4, containLabel: true },
      xAxis: { type: "category", data: series.map((each) => each.name), ...axis(c), splitLine: { show: false }, axisLabel: { ...text(c), interval: 0, width: 64, overflow: "break" } },
      yAxis: { type: "category", inverse: true, data: rows.map((row) => row.name), ...axis(c), splitLine: { show: false }, axisLabel: { ...text(c), width: 110, overflow: "truncate" } },
      visualMap: { show: false, min: 0, max: most, inRange: { color: [c.card, c.accent] } },
      series: [
        {
          type: "heatmap",
          itemStyle: { borderColor: c.card, borderWidth: 2, borderRadius: 4 },
          label: { show: true, fontFamily: c.font, fontSize: 12 },
          emphasis: { itemStyle: { borderColor: c.ink } },
          data: rows.flatMap((row, y) =>
            series.map((each, x) => ({
              value: [x, y, row.cells[each.place].value],
              href: row.cells[each.place].href,
              // Ink on the light half, the card's colour on the dark half.
              label: { color: row.cells[each.place].value > most * 0.55 ? c.card : row.cells[each.place].value ? c.ink : c.faint },
            })),
          ),
        },
      ],
    };
  },

  pareto({ rows, series }, c) {
    const [count, share] = series;
    return {
      ...frame(c),
      legend: legend(c),
      tooltip: { ...frame(c).tooltip, trigger: "axis", axisPointer: { type: "none" } },
      xAxis: { type: "category", data: rows.map((row) => row.name.split("/").pop()), ...axis(c), axisLabel: { ...text(c), interval: 0, rotate: rows.length > 6 ? 35 : 0, width: 90, overflow: "truncate" } },
      yAxis: [
        { type: "value", minInterval: 1, ...axis(c) },
        { type: "value", min: 0, max: 100, ...axis(c), splitLine: { show: false }, axisLabel: { ...text(c), formatter: "{value}%" } },
      ],
      series: [
        { name: count.name, type: "bar", barMaxWidth: 44, itemStyle: { color: c.accent, borderRadius: [3, 3, 0, 0] }, label: { show: true, position: "top", color: c.ink, fontFamily: c.font, fontSize: 11 }, data: rows.map((row) => marks(row, count.place)) },
        { name: share.name, type: "line", yAxisIndex: 1, symbol: "circle", symbolSize: 6, lineStyle: { color: c.ink, width: 2, type: [5, 4] }, itemStyle: { color: c.ink }, tooltip: { valueFormatter: (value) => `${value}%` }, data: rows.map((row) => marks(row, share.place)) },
      ],
    };
  },

  ladder({ rows, series }, c) {
    return {
      ...frame(c),
      grid: { left: 8, right: 40, top: 8, bottom: 4, containLabel: true },
      tooltip: { ...frame(c).tooltip, trigger: "item" },
      xAxis: { type: "value", minInterval: 1, ...axis(c) },
      yAxis: { type: "category", inverse: true, data: rows.map((row) => row.name), ...axis(c), axisLabel: { ...text(c), width: 190, overflow: "break" } },
      series: [
        { name: series[0].name, type: "bar", barMaxWidth: 22, itemStyle: { color: c.orange, borderRadius: [0, 3, 3, 0] }, label: { show: true, position: "right", color: c.ink, fontFamily: c.font }, data: rows.map((row) => marks(row, series[0].place)) },
      ],
    };
  },
};

/** Draw every chart anew from its table. */
export function draw() {
  const c = colours();
  for (const figure of board.querySelectorAll("[data-chart]")) {
    const told = read(figure);
    if (!told.rows.some((row) => row.cells.some((cell) => cell.value))) continue; // the table says it shorter
    let place = figure.querySelector(".drawing");
    if (!place) {
      place = document.createElement("div");
      place.className = "drawing";
      place.setAttribute("aria-hidden", "true"); // the table beside it is read instead
      figure.querySelector("figcaption").after(place);
      figure.querySelector("details").open = false;
    }
    place.toggleAttribute("data-tall", ["heat", "ladder"].includes(figure.dataset.chart) && told.rows.length > 9);
    let chart = drawn.get(place);
    if (!chart) {
      chart = echarts.init(place);
      chart.on("click", (mark) => mark.data?.href && location.assign(mark.data.href));
      drawn.set(place, chart);
    }
    chart.setOption(DRAW[figure.dataset.chart](told, c), true);
  }
  for (const [place, chart] of drawn) {
    if (place.isConnected) continue;
    chart.dispose();
    drawn.delete(place);
  }
}

/** Draw the charts of a board, and again when its width, its colours or its paper change. */
export function begin(where) {
  board = where;
  draw();
  new ResizeObserver(() => {
    for (const chart of drawn.values()) chart.resize();
  }).observe(board);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  matchMedia("print").addEventListener("change", () => {
    for (const chart of drawn.values()) chart.resize();
    draw();
  });
}
