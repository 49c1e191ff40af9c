"""Templates give what Go's text/template with Prometheus' functions gives."""

import pytest

from schemas.failures import Rejected
from streams.rules.templates import TemplateData, compile_template

SAMPLES = {
    "up": [{"Labels": {"job": "b"}, "Value": 0.0}, {"Labels": {"job": "a"}, "Value": 1.0}],
    "none": [],
}


def render(text: str, value: float = 1234567.0) -> str:
    data = TemplateData(
        labels={"job": "api", "instance": "a.b.example:80"},
        value=value,
        external_url="http://tidewatch:8080/x",
        now_ms=1500,
        query=lambda expression: SAMPLES[expression],
        external_labels={"region": "eu"},
    )
    return compile_template(text).render(data)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{ $value }}", "1.234567e+06"),
        ("{{ .Value }} {{.Labels.job}} {{ $labels.job }}", "1.234567e+06 api api"),
        ("{{ $labels.missing }}", ""),
        (
            "{{ $externalLabels.region }} {{ $externalURL }} {{ externalURL }} {{ pathPrefix }}",
            "eu http://tidewatch:8080/x http://tidewatch:8080/x /x",
        ),
        ('{{ printf "%.2f" $value }}', "1234567.00"),
        ('{{ $labels.job | printf "%5s|%-5s|%q" "x" "y" }}', '    x|y    |"api"'),
        ('{{ printf "%d %v %t %%" 3 2.5 true }}', "3 2.5 true %"),
        ('{{ printf "%d" 2.5 }}{{ printf "%s" }}', "%!d(float64=2.5)%!s(MISSING)"),
        ("{{ if gt $value 10.0 }}big{{ else }}small{{ end }}", "big"),
        ('{{ if eq $labels.job "db" }}1{{ else if eq $labels.job "api" }}2{{ else }}3{{ end }}', "2"),
        ("{{ if and $labels.job (not $labels.missing) }}yes{{ end }}", "yes"),
        ('{{ or $labels.missing "default" }}', "default"),
        ("a {{- /* comment */ -}} b", "ab"),
        ("a {{- $value | len | not -}} b", None),
        ('{{ range query "up" }}[{{ .Labels.job }}={{ .Value }}]{{ end }}', "[b=0][a=1]"),
        ('{{ range query "none" }}x{{ else }}nothing{{ end }}', "nothing"),
        ('{{ range $i, $s := query "up" | sortByLabel "job" }}{{ $i }}{{ $s.Labels.job }}{{ end }}', "0a1b"),
        ('{{ with query "up" }}{{ . | first | value }} {{ . | first | label "job" }}{{ end }}', "0 b"),
        ('{{ (index (query "up") 1).Labels.job }}', "a"),
        ('{{ $x := "a" }}{{ if true }}{{ $x = "b" }}{{ end }}{{ $x }}', "b"),
        ("{{ $value | humanize }} {{ humanize1024 1048576 }}", "1.235M 1Mi"),
        ("{{ humanizePercentage 0.12345 }} {{ humanize 0.0042 }}", "12.35% 4.2m"),
        (
            "{{ humanizeDuration 93784 }} {{ humanizeDuration 59.5 }} {{ humanizeDuration 0.02 }}",
            "1d 2h 3m 4s 59.5s 20ms",
        ),
        ("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        ('{{ "HELLO" | toLower | title }} {{ toUpper "x" }}', "Hello X"),
        ('{{ reReplaceAll "(.*)-(.*)" "$2-$1" "a-b" }} {{ match "^a" "abc" }}', "b-a true"),
        ("{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }}", "a.b.example a:80"),
        ('{{ now }} {{ parseDuration "1h30m" }}', "1.5 5400"),
        ('{{ urlQueryEscape "a b&c" }} {{ html "<a>" }}', "a+b%26c &lt;a&gt;"),
        ("{{ args 1 2 }}", "map[arg0:1 arg1:2]"),
        ('{{ define "t" }}{{ .arg0 }} {{ .arg1 }} {{ $.arg2 }}{{ end }}[{{ template "t" (args "a" 99) }}]', "[a 99 ]"),
        ('{{ block "b" $labels }}<{{ .job }}>{{ end }}{{ tmpl "b" $externalLabels }}', "<api><>"),
        ('{{ tableLink "up == 0" }}', "/graph?g0.expr=up+%3D%3D+0&g0.tab=1"),
    ],
)
def test_a_template_gives(template: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(Rejected):
            render(template)
    else:
        assert render(template) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.5, "-0.5"),
        (100000.0, "100000"),
        (1e6, "1e+06"),
        (0.0001, "0.0001"),
        (1.5e-5, "1.5e-05"),
        (123456.789, "123456.789"),
        (float("inf"), "+Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_a_number_is_written_as_go_writes_it(value: float, text: str) -> None:
    assert render("{{ $value }}", value) == text


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ $value | humanise }}", "unknown function humanise; did you mean humanize?"),
        ("{{ $lables.x }}", "undefined variable $lables; did you mean $labels?"),
        ("{{ if true }}x", "if is not closed; write {{ end }} after it"),
        ("{{ $value", "the action is not closed; write }} at its end"),
        ("{{ end }}", "end without if, with or range before it"),
        ('{{ define "yes" }}{{ end }}{{ template "yess" }}', "there is no template 'yess'; did you mean yes?"),
        ('{{ define "x" }}', "define is not closed; write {{ end }} after it"),
        ("{{ define x }}{{ end }}", 'define needs a name in quotes, as in define "name"'),
        ('{{ define "x" }}{{ $labels.a }}{{ end }}', "undefined variable $labels"),
        ("{{ break }}", "break is not supported in templates of rules"),
        ("{{ }}", "a value is missing"),
        ("{{ $value 3 }}", "only a function can be given arguments"),
        ("{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", "undefined variable $x"),
    ],
)
def test_a_mistake_in_a_template_is_found_when_it_is_loaded(template: str, reason: str) -> None:
    with pytest.raises(Rejected) as refusal:
        compile_template(template)
    assert str(refusal.value).startswith(reason)


@pytest.mark.parametrize(
    "template",
    [
        "{{ .Lables }}",
        '{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}',
        "{{ gt $value 10 }}",
        '{{ query "none" | first }}',
        '{{ humanize "x" }}',
        "{{ range 1.5 }}{{ end }}",
    ],
)
def test_a_mistake_in_the_data_is_a_refusal(template: str) -> None:
    with pytest.raises(Rejected):
        render(template)
