package flink;

/** What a window needs of an event; in the form that Flink's own serializer is fastest with. */
public final class Reading {
    public String series;
    public long timeMs;
    public double value;

    public Reading() {}

    Reading(String series, long timeMs, double value) {
        this.series = series;
        this.timeMs = timeMs;
        this.value = value;
    }
}
