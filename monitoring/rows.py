"""What the dashboard shows: rows of panels, each with what it asks of Prometheus.

In a query `{WORK}` stands for the requests that are work, `{SERVICE}` for the service chosen, `{PROCESS}` for what Prometheus
says of its processes; see SELECTORS. A panel stands to the right of the one before it, or below where there is no room.
"""

from monitoring.grafana_panels import Heatmap, Lines, Number, Panel, States, Table

ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "At a glance",
        (
            Number(
                title="Instances that answer",
                description="How many instances Prometheus could scrape. An instance that is gone counts no more; the alerts LossaryDown and LossaryServiceGone watch for that.",
                unit="short",
                queries=(("", "sum(up{PROCESS})"),),
                first="red",
                steps=((1, "green"),),
            ),
            Number(
                title="Requests",
                description="Requests a second, without probes and scrapes.",
                unit="reqps",
                queries=(("", "sum(rate(lossary_http_requests_total{WORK}[$__rate_interval]))"),),
            ),
            Number(
                title="Our fault",
                description="The share of answers with a status of 5xx other than 503. Yellow is the 0.1 % that may fail in a month, red the pace at which LossaryErrorsFast fires.",
                unit="percentunit",
                queries=(
                    (
                        "",
                        '(sum(rate(lossary_http_requests_total{WORK,status=~"5..",status!="503"}[$__rate_interval])) or vector(0)) / sum(rate(lossary_http_requests_total{WORK}[$__rate_interval]))',
                    ),
                ),
                steps=(
                    (0.001, "yellow"),
                    (0.0144, "red"),
                ),
                decimals=2,
            ),
            Number(
                title="Shed",
                description="The share of requests that were told to ask again later (503). Red is the threshold of LossarySheds.",
                unit="percentunit",
                queries=(
                    (
                        "",
                        '(sum(rate(lossary_http_requests_total{WORK,status="503"}[$__rate_interval])) or vector(0)) / sum(rate(lossary_http_requests_total{WORK}[$__rate_interval]))',
                    ),
                ),
                steps=(
                    (0.001, "yellow"),
                    (0.03, "red"),
                ),
                decimals=2,
            ),
            Number(
                title="p99",
                description="One request in a hundred takes longer, over all routes. Red is the threshold of LossarySlow.",
                unit="s",
                queries=(
                    (
                        "",
                        "histogram_quantile(0.99, sum by (le) (rate(lossary_http_request_duration_seconds_bucket{WORK}[$__rate_interval])))",
                    ),
                ),
                steps=(
                    (1, "yellow"),
                    (10, "red"),
                ),
            ),
            Number(
                title="Memory promised",
                description="The share of what requests may reserve that is reserved, where it is most. Red is the threshold of LossaryMemoryReserved.",
                unit="percentunit",
                queries=(("", "max(lossary_reserved_bytes{SERVICE} / lossary_reservable_bytes{SERVICE})"),),
                steps=(
                    (0.7, "yellow"),
                    (0.9, "red"),
                ),
                decimals=0,
                share=True,
            ),
            States(
                title="Alerts that fire",
                description="Each alert while it fires; what to do is in its annotation `action`, in Prometheus under Alerts. Empty is good.",
                unit="none",
                width=24,
                height=4,
                queries=(
                    (
                        "{{alertname}} {{service}}",
                        'max by (alertname, service, severity) (ALERTS{alertname=~"Lossary.+",alertstate="firing"})',
                    ),
                ),
            ),
        ),
    ),
    (
        "Traffic",
        (
            Lines(
                title="Requests by route",
                description="Requests a second by the template of their route, so that no caller makes a line. Paths that do not exist are `unmatched`.",
                unit="reqps",
                queries=(("{{route}}", "sum by (route) (rate(lossary_http_requests_total{WORK}[$__rate_interval]))"),),
                stacked=True,
                summed_up=True,
            ),
            Lines(
                title="Answers by status",
                description="Answers a second by status. 499: the caller left before the answer.",
                unit="reqps",
                queries=(
                    ("{{status}}", "sum by (status) (rate(lossary_http_requests_total{WORK}[$__rate_interval]))"),
                ),
                stacked=True,
                summed_up=True,
            ),
            Lines(
                title="Refusals by reason",
                description="Refusals by the last part of their problem type: `internal` is a fault of ours, `temporary-reduced-capacity` is shed, all others are the caller's to mend. Kinds that did not occur are left out.",
                unit="short",
                queries=(
                    ("{{reason}}", "sum by (reason) (increase(lossary_rejected_total{SERVICE}[$__rate_interval])) > 0"),
                ),
                stacked=True,
                bars=True,
                summed_up=True,
            ),
        ),
    ),
    (
        "Latency",
        (
            Lines(
                title="Quantiles",
                description="From the head of a request to the end of its answer, so uploads over a slow line count too.",
                unit="s",
                queries=(
                    (
                        "p50",
                        "histogram_quantile(0.5, sum by (le) (rate(lossary_http_request_duration_seconds_bucket{WORK}[$__rate_interval])))",
                    ),
                    (
                        "p90",
                        "histogram_quantile(0.9, sum by (le) (rate(lossary_http_request_duration_seconds_bucket{WORK}[$__rate_interval])))",
                    ),
                    (
                        "p99",
                        "histogram_quantile(0.99, sum by (le) (rate(lossary_http_request_duration_seconds_bucket{WORK}[$__rate_interval])))",
                    ),
                ),
                limit=10,
            ),
            Lines(
                title="p99 by route",
                description="The same for each route; a long upload has no place in the figure of a small one.",
                unit="s",
                queries=(
                    (
                        "{{route}}",
                        "histogram_quantile(0.99, sum by (le, route) (rate(lossary_http_request_duration_seconds_bucket{WORK}[$__rate_interval])))",
                    ),
                ),
                summed_up=True,
            ),
            Heatmap(
                title="Distribution",
                description="How many requests took how long. Two bands are two kinds of request: small bodies, and uploads.",
                unit="s",
                queries=(
                    (
                        "{{le}}",
                        "sum by (le) (increase(lossary_http_request_duration_seconds_bucket{WORK}[$__rate_interval]))",
                    ),
                ),
            ),
            Lines(
                title="Waiting for a turn",
                description="Time that requests which computed had waited for memory and for a thread. After LOSSARY_QUEUE_SECONDS (10) they are shed.",
                unit="s",
                queries=(
                    (
                        "p50",
                        "histogram_quantile(0.5, sum by (le) (rate(lossary_queue_wait_seconds_bucket{SERVICE}[$__rate_interval])))",
                    ),
                    (
                        "p99",
                        "histogram_quantile(0.99, sum by (le) (rate(lossary_queue_wait_seconds_bucket{SERVICE}[$__rate_interval])))",
                    ),
                ),
                limit=10,
            ),
            Lines(
                title="Computing",
                description="Time spent on losses or on measuring data. After LOSSARY_COMPUTE_SECONDS (120) a request is ended with 504.",
                unit="s",
                queries=(
                    (
                        "p50",
                        "histogram_quantile(0.5, sum by (le) (rate(lossary_compute_duration_seconds_bucket{SERVICE}[$__rate_interval])))",
                    ),
                    (
                        "p99",
                        "histogram_quantile(0.99, sum by (le) (rate(lossary_compute_duration_seconds_bucket{SERVICE}[$__rate_interval])))",
                    ),
                ),
            ),
            Lines(
                title="Probes",
                description="p99 of /healthz and /readyz, which compute nothing: where it rises, the event loop is held up. The line is the threshold of LossaryLoopHeldUp.",
                unit="s",
                queries=(
                    (
                        "{{service}}",
                        'histogram_quantile(0.99, sum by (le, service) (rate(lossary_http_request_duration_seconds_bucket{SERVICE,route=~"/healthz|/readyz"}[$__rate_interval])))',
                    ),
                ),
                limit=1,
            ),
        ),
    ),
    (
        "Work",
        (
            Lines(
                title="Evaluations by loss",
                description="The ten losses evaluated most, in terms of objectives a second. Names are those of the catalogue.",
                unit="ops",
                queries=(
                    (
                        "{{loss}}",
                        "topk(10, sum by (loss) (rate(lossary_evaluations_total{SERVICE}[$__rate_interval])) > 0)",
                    ),
                ),
                stacked=True,
                summed_up=True,
            ),
            Lines(
                title="Bytes in and out",
                description="Bytes of bodies a second, without headers.",
                unit="Bps",
                queries=(
                    ("in", "sum(rate(lossary_request_body_bytes_sum{WORK}[$__rate_interval]))"),
                    ("out", "sum(rate(lossary_response_body_bytes_sum{WORK}[$__rate_interval]))"),
                ),
            ),
            Lines(
                title="Size of bodies",
                description="p50 and p99 of the bodies received and sent; buckets are four times apart, so these are rough.",
                unit="bytes",
                queries=(
                    (
                        "in p50",
                        "histogram_quantile(0.5, sum by (le) (rate(lossary_request_body_bytes_bucket{WORK}[$__rate_interval])))",
                    ),
                    (
                        "in p99",
                        "histogram_quantile(0.99, sum by (le) (rate(lossary_request_body_bytes_bucket{WORK}[$__rate_interval])))",
                    ),
                    (
                        "out p50",
                        "histogram_quantile(0.5, sum by (le) (rate(lossary_response_body_bytes_bucket{WORK}[$__rate_interval])))",
                    ),
                    (
                        "out p99",
                        "histogram_quantile(0.99, sum by (le) (rate(lossary_response_body_bytes_bucket{WORK}[$__rate_interval])))",
                    ),
                ),
            ),
        ),
    ),
    (
        "Capacity",
        (
            Lines(
                title="Memory reserved",
                description="What requests under way have reserved before their bodies were read, and how much can be reserved (dashed).",
                unit="bytes",
                queries=(
                    ("{{service}}", "sum by (service) (lossary_reserved_bytes{SERVICE})"),
                    ("{{service}} limit", "sum by (service) (lossary_reservable_bytes{SERVICE})"),
                ),
            ),
            Lines(
                title="Requests under way",
                description="Requests between their head and their answer. The scrape itself is one of them.",
                unit="short",
                queries=(("{{service}}", "sum by (service) (lossary_in_flight_requests{SERVICE})"),),
                decimals=0,
            ),
            Lines(
                title="Requests that wait",
                description="By what they wait for. Each line holds LOSSARY_MAX_WAITING (1000) for each worker; LossaryQueueLong fires at half.",
                unit="short",
                queries=(("{{service}} {{resource}}", "sum by (service, resource) (lossary_queue_length{SERVICE})"),),
                decimals=0,
            ),
        ),
    ),
    (
        "Experiments",
        (
            Lines(
                title="Experiments that wait or run",
                description="One runs at a time; replicas that share a database show the same. More than LOSSARY_MAX_EXPERIMENTS_WAITING (20) are refused.",
                unit="short",
                queries=(("{{service}}", "max by (service) (lossary_experiments_unfinished{SERVICE})"),),
                decimals=0,
            ),
            Lines(
                title="Age of the oldest",
                description="How long ago the oldest experiment that has not ended was asked for. The line is the threshold of LossaryExperimentsOld.",
                unit="s",
                queries=(("{{service}}", "max by (service) (lossary_experiments_oldest_seconds{SERVICE})"),),
                limit=7200,
            ),
            Lines(
                title="Bytes stored",
                description="Of datasets, of at most LOSSARY_MAX_DATASET_BYTES, and of what experiments that run have computed so far.",
                unit="bytes",
                queries=(("{{service}} {{kind}}", "max by (service, kind) (lossary_stored_bytes{SERVICE})"),),
            ),
        ),
    ),
    (
        "Process",
        (
            Lines(
                title="Memory",
                description="Resident memory, and the limit at which the kernel ends the process (dashed). Only the limit is known where several workers share a container.",
                unit="bytes",
                width=6,
                height=8,
                queries=(
                    ("{{service}}", "sum by (service) (process_resident_memory_bytes{PROCESS})"),
                    ("{{service}} limit", "sum by (service) (lossary_memory_limit_bytes{SERVICE})"),
                ),
            ),
            Lines(
                title="CPU",
                description="Cores in use. Not known where several workers share a container.",
                unit="short",
                width=6,
                height=8,
                queries=(
                    ("{{service}}", "sum by (service) (rate(process_cpu_seconds_total{PROCESS}[$__rate_interval]))"),
                ),
                decimals=2,
            ),
            Lines(
                title="File descriptors",
                description="The share of file descriptors that are open; a connection is one. The line is the threshold of LossaryDescriptorsFew.",
                unit="percentunit",
                width=6,
                height=8,
                queries=(("{{service}}", "max by (service) (process_open_fds{PROCESS} / process_max_fds{PROCESS})"),),
                limit=0.8,
            ),
            Lines(
                title="Workers",
                description="Processes that serve, and those that were started in the last quarter of an hour (bars above 0 are restarts of workers).",
                unit="short",
                width=6,
                height=8,
                queries=(
                    ("{{service}} serve", "sum by (service) (lossary_workers{SERVICE})"),
                    ("{{service}} started", "sum by (service) (increase(lossary_workers_started_total{SERVICE}[15m]))"),
                ),
                decimals=0,
            ),
            Table(
                title="What runs",
                description="The version of each instance, its torch, its device, and when its process started.",
                unit="none",
                width=24,
                height=5,
                queries=(
                    ("", "lossary_build_info{SERVICE}"),
                    ("", "process_start_time_seconds{PROCESS} * 1000"),
                ),
                columns={
                    "service 1": "service",
                    "instance": "instance",
                    "version": "version",
                    "torch": "torch",
                    "device": "device",
                    "Value #B": "started",
                },
                left_out=(
                    "Time",
                    "Time 1",
                    "Time 2",
                    "Value #A",
                    "__name__",
                    "__name__ 1",
                    "__name__ 2",
                    "job",
                    "job 1",
                    "job 2",
                    "service 2",
                ),
                dates=("started",),
            ),
        ),
    ),
)
