package jvm;

import com.alibaba.fastjson2.JSON;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.Set;
import java.util.HashMap;

/** A metric event, decoded and validated. */
public final class Event {
    private static final Set<String> KINDS = Set.of("counter", "gauge", "histogram");

    public String specversion;
    public String type;
    public String id;
    public String source;
    public OffsetDateTime time;
    public Data data;

    /** One observation. */
    public static final class Data {
        public String service;
        public String name;
        public String kind;
        public double value = Double.NaN;
        public String unit = "";
        public HashMap<String, String> labels = new HashMap<>();
        public String tenant = "default";
    }

    /** The event in a record's value. */
    public static Event decode(byte[] json) {
        Event event = JSON.parseObject(json, Event.class);
        event.validate();
        return event;
    }

    private void validate() {
        boolean envelope = "1.0".equals(specversion) && "tidewatch.metric".equals(type) && time != null;
        if (!envelope || !filled(id, 256) || !filled(source, 512) || data == null) {
            throw new IllegalArgumentException("not a metric event");
        }
        boolean named = filled(data.service, 200) && filled(data.name, 200) && filled(data.tenant, 200);
        if (!named || !KINDS.contains(data.kind) || !Double.isFinite(data.value)) {
            throw new IllegalArgumentException("not a metric");
        }
    }

    private static boolean filled(String text, int longest) {
        return text != null && !text.isEmpty() && text.length() <= longest;
    }

    /** Epoch milliseconds. */
    public long timeMs() {
        return time.toEpochSecond() * 1000 + time.getNano() / 1_000_000;
    }
}
