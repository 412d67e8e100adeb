/**
 * Makes a dashboard of Grafana from rows of panels. A panel is { title, unit?, description?, kind?: 'stat' | 'table', span?, queries: [expr, legend][] };
 * without a kind it is a time series. `$instance` and `$tenant` are variables where the definition names them.
 */
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
/** Of 24 columns. */
const SPANS = { stat: 4, table: 12 };
const HEIGHTS = { stat: 4 };
const BUILDERS = { stat, table };

const VARIABLES = {
  instance: { label: 'Node', query: 'label_values(segue_agent_ready, instance)' },
  tenant: { label: 'Tenant', query: 'label_values(segue_tenant_transmit_packets_total, tenant)' },
};

export function dashboardOf({ uid, title, description, variables = [], rows }) {
  const builder = new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['segue'])
    .refresh('30s')
    .time({ from: 'now-6h', to: 'now' })
    .timezone('browser')
    .readonly()
    .link(
      new dashboard.DashboardLinkBuilder('segue').type('dashboards').tags(['segue']).asDropdown(true).keepTime(true),
    )
    .withVariable(new dashboard.DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'));
  for (const name of variables) {
    const { label, query } = VARIABLES[name];
    builder.withVariable(
      new dashboard.QueryVariableBuilder(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(query)
        .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
        .sort(dashboard.VariableSort.AlphabeticalAsc)
        .multi(true)
        .includeAll(true)
        .allValue('.*'),
    );
  }
  for (const [name, panels] of Object.entries(rows)) {
    builder.withRow(new dashboard.RowBuilder(name));
    for (const one of panels) builder.withPanel(panelOf(one));
  }
  return builder.build();
}

function panelOf({ title, unit = 'short', description, kind, span, queries }) {
  const panel = new (BUILDERS[kind] ?? timeseries).PanelBuilder()
    .title(title)
    .datasource(DATASOURCE)
    .unit(unit)
    .span(span ?? SPANS[kind] ?? 12)
    .height(HEIGHTS[kind] ?? 8);
  if (kind === undefined) panel.min(0).fillOpacity(10);
  if (description !== undefined) panel.description(description);
  queries.forEach(([expr, legend], index) => {
    const query = new prometheus.DataqueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .datasource(DATASOURCE)
      .expr(expr);
    if (kind === 'table') query.instant().format(prometheus.PromQueryFormat.Table);
    else query.legendFormat(legend);
    panel.withTarget(query);
  });
  return panel;
}
