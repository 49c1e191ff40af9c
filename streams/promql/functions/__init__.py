"""Every function by name. Each module here has a ``TABLE``; adding a function is adding one entry to one of them."""

from streams.promql.call import Implementation
from streams.promql.functions import calendar, histograms, labels, over_time, rates, shaping, single_values, trends

FUNCTIONS: dict[str, Implementation] = {
    **calendar.TABLE,
    **histograms.TABLE,
    **labels.TABLE,
    **over_time.TABLE,
    **rates.TABLE,
    **shaping.TABLE,
    **single_values.TABLE,
    **trends.TABLE,
}
